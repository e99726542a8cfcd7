package artifacts

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/minio/minio-go/v7"
)

// The errors that callers act on. Every error of this package that has one of
// these causes wraps it, together with the server's own words.
var (
	// ErrNotFound says that the bucket holds no such object.
	ErrNotFound = errors.New("artifact not found")
	// ErrExists says that the key holds other content, which will not change.
	ErrExists = errors.New("artifact exists with other content")
	// ErrCorrupt says that the bytes in the store are not those that were put:
	// their number or their hash differs.
	ErrCorrupt = errors.New("artifact corrupt")
	// ErrUnavailable says that the store did not answer, or answered that it
	// cannot serve now. The same call may succeed later.
	ErrUnavailable = errors.New("artifact store unavailable")
	// ErrStale says that an object changed since the caller read it.
	ErrStale = errors.New("artifact changed meanwhile")
	// ErrDenied says that the credentials lack the right, or are wrong.
	ErrDenied = errors.New("artifact access denied")
	// ErrSkewed says that the store refuses requests because this machine's clock
	// differs from its own. The same call succeeds once the clocks agree.
	ErrSkewed = errors.New("clock differs from the artifact store's")
	// ErrTooLarge says that an object exceeds what the caller can take.
	ErrTooLarge = errors.New("artifact too large")
	// ErrInvalid says that a key, a claim check or a configuration is malformed.
	ErrInvalid = errors.New("invalid artifact reference")
)

// opError names the operation and the key, and the cause behind its class.
func opError(op, key string, err error) error {
	class := classOf(err)
	if class == nil || errors.Is(err, class) {
		return fmt.Errorf("%s %s: %w", op, key, err)
	}
	return fmt.Errorf("%s %s: %w: %w", op, key, class, err)
}

// classOf sorts what minio-go returns into this package's sentinels. A
// cancelled context has none: the caller gave up, the store did not fail.
func classOf(err error) error {
	for _, known := range []error{ErrNotFound, ErrExists, ErrCorrupt, ErrUnavailable,
		ErrStale, ErrDenied, ErrSkewed, ErrTooLarge, ErrInvalid} {
		if errors.Is(err, known) {
			return known
		}
	}
	if errors.Is(err, context.Canceled) {
		return nil
	}
	resp, ok := errors.AsType[minio.ErrorResponse](err)
	if !ok {
		return ErrUnavailable // no answer: refused, reset, timed out, unresolvable
	}
	return classOfResponse(resp)
}

// classOfResponse sorts an answer of the server.
func classOfResponse(resp minio.ErrorResponse) error {
	switch {
	case resp.Code == "NoSuchBucket":
		// An operator's doing, not the caller's: the object may well come back.
		return ErrUnavailable
	case resp.StatusCode == http.StatusNotFound:
		return ErrNotFound
	case resp.StatusCode == http.StatusPreconditionFailed:
		return ErrStale
	case resp.Code == "RequestTimeTooSkewed":
		return ErrSkewed
	case resp.StatusCode == http.StatusForbidden, resp.StatusCode == http.StatusUnauthorized:
		return ErrDenied
	case resp.StatusCode == http.StatusRequestEntityTooLarge, resp.Code == "EntityTooLarge":
		return ErrTooLarge
	case retryable(resp):
		return ErrUnavailable
	default:
		return nil
	}
}

// retryable tells the answers that mean "not now". 409 is Amazon's answer to
// two conditional writes of one key at the same time; a body that arrived
// damaged (BadDigest) or late (RequestTimeout) is sent again.
func retryable(resp minio.ErrorResponse) bool {
	switch resp.Code {
	case "ConditionalRequestConflict", "OperationAborted", "BadDigest", "IncompleteBody",
		"RequestTimeout", "XAmzContentSHA256Mismatch", "NoSuchBucket":
		return true
	}
	switch resp.StatusCode {
	case http.StatusRequestTimeout, http.StatusTooManyRequests:
		return true
	}
	return resp.StatusCode >= http.StatusInternalServerError && resp.StatusCode != http.StatusNotImplemented
}
