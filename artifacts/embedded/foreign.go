package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gofiber/fiber/v3"
	"github.com/versity/versitygw/s3api/utils"
	"github.com/versity/versitygw/s3err"
)

// The gateway prints an error that is no answer of S3's to standard error by itself, with
// whatever key a client chose in it. So it is handed no such error: [front] stands before its
// routes, and [disk.answer] behind them.

// front refuses requests whose path, query or header fields hold control characters, and
// answers what would otherwise reach the gateway's own printing: panics and other errors.
func front(log *slog.Logger) fiber.Handler {
	return func(ctx fiber.Ctx) (err error) {
		defer func() {
			if p := recover(); p != nil {
				log.Error("request to S3 panicked", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
				err = refuse(ctx, s3err.GetAPIError(s3err.ErrInternalError))
			}
		}()
		if what := controlIn(ctx); what != "" {
			log.Debug("request to S3 refused: control characters", "in", what, "from", ctx.IP())
			return refuse(ctx, badCharacters(what))
		}
		if err := ctx.Next(); err != nil {
			if errors.Is(err, fiber.ErrNotFound) || errors.Is(err, fiber.ErrMethodNotAllowed) {
				return refuse(ctx, s3err.GetAPIError(s3err.ErrNotImplemented))
			}
			log.Warn("request to S3 failed", "error", err)
			return refuse(ctx, s3err.GetAPIError(s3err.ErrInternalError))
		}
		return nil
	}
}

// refuse sends an error as S3 words it.
func refuse(ctx fiber.Ctx, e s3err.S3Error) error {
	requestID, hostID := utils.EnsureRequestIDs(ctx)
	ctx.Response().Header.SetContentType(fiber.MIMEApplicationXML)
	return ctx.Status(e.StatusCode()).Send(e.XMLBody(requestID, hostID))
}

// badCharacters is the answer to control characters in a part of a request.
func badCharacters(what string) s3err.APIError {
	return s3err.APIError{
		Code: "InvalidRequest", HTTPStatusCode: http.StatusBadRequest,
		Description: "The " + what + " holds control characters or is not UTF-8. Keys, buckets, parameters and header fields here are printable text.",
	}
}

// controlIn names the first part of the request that is not printable text; empty if all is.
func controlIn(ctx fiber.Ctx) string {
	path, err := url.PathUnescape(string(ctx.Request().URI().PathOriginal()))
	if err != nil || !printable(path) {
		return "path"
	}
	for name, value := range ctx.Request().URI().QueryArgs().All() {
		if !printable(string(name)) || !printable(string(value)) {
			return "query"
		}
	}
	for name, value := range ctx.Request().Header.All() {
		if !printable(string(name)) || !printable(string(value)) || !printable(unescaped(string(value))) {
			return "header"
		}
	}
	return ""
}

// unescaped is a header's value as the gateway reads those that are URLs, such as the source of
// a copy.
func unescaped(value string) string {
	if plain, err := url.PathUnescape(value); err == nil {
		return plain
	}
	return value
}

// printable reports whether text can stand in a log or on a terminal as it is. Unicode's format
// characters stay allowed: they are part of some scripts.
func printable(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool {
		return unicode.IsControl(r) || r == '\u2028' || r == '\u2029'
	})
}

// keys refuses names of objects that are not printable text, wherever a request has them from:
// bodies name objects too.
func keys(names ...*string) error {
	for _, name := range names {
		if name != nil && !printable(*name) {
			return badCharacters("key")
		}
	}
	return nil
}

// answer replaces an error that is no answer of S3's by one, and logs it.
func (d *disk) answer(ctx context.Context, operation string, err *error) {
	if *err == nil {
		return
	}
	if e, ok := errors.AsType[s3err.S3Error](*err); ok {
		*err = e // bare: the gateway does not look into what wraps it
		return
	}
	if ctx.Err() == nil {
		d.log.Warn("operation of S3 failed", "operation", operation, "user", account(ctx).Access, "error", *err)
	}
	*err = s3err.GetAPIError(s3err.ErrInternalError)
}
