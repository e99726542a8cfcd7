package script

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/services/inventory/side"
)

// ErrNoFile says that an argument names an artifact that the event lacks.
var ErrNoFile = errors.New("the event has no such file")

// maxPlain bounds one artifact when it is expanded.
const maxPlain = 16 << 30

// Files fetches what arguments name.
type Files struct {
	Dir    string
	Store  *artifacts.Store
	Secret func(name string) (string, error)
}

// placeholder is {NAME}. A name has a dot or a slash, or is that of a claim
// check; so that {print} of an awk program stays what it is.
var placeholder = regexp.MustCompile(`\{[A-Za-z0-9][A-Za-z0-9_./-]*\}`)

// Expand replaces the placeholders in args by paths below Dir, where it puts
// the artifacts: verified, expanded if they are compressed, and rendered if
// they are templates that waited for a secret.
func (f Files) Expand(ctx context.Context, args []string, data events.Data) ([]string, error) {
	claims, err := Claims(data)
	if err != nil {
		return nil, err
	}
	var failed error
	expanded := make([]string, len(args))
	for i, arg := range args {
		expanded[i] = placeholder.ReplaceAllStringFunc(arg, func(match string) string {
			path, err := f.place(ctx, claims, match)
			failed = errors.Join(failed, err)
			return path
		})
	}
	return expanded, failed
}

func (f Files) place(ctx context.Context, claims map[string]events.ClaimCheck, match string) (string, error) {
	name := strings.Trim(match, "{}")
	claim, ok := claims[name]
	if !ok && !strings.ContainsAny(name, "./") {
		return match, nil
	}
	if !ok {
		return match, fmt.Errorf("%w: %s; it has %s", ErrNoFile, name, strings.Join(slices.Sorted(maps.Keys(claims)), ", "))
	}
	if !filepath.IsLocal(name) {
		return match, fmt.Errorf("%w: %s leads out of the folder", ErrNoFile, name)
	}
	path := filepath.Join(f.Dir, name)
	if _, err := os.Stat(path); err == nil {
		return path, nil // named twice
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return match, fmt.Errorf("place %s: %w", name, err)
	}
	if err := f.fetch(ctx, claim, path); err != nil {
		return match, fmt.Errorf("fetch %s: %w", name, err)
	}
	return path, nil
}

// fetch writes one artifact. A file is there only when it is whole.
func (f Files) fetch(ctx context.Context, claim events.ClaimCheck, path string) error {
	var content io.Reader
	if claim.MediaType == side.MediaTemplate {
		text, err := f.render(ctx, claim)
		if err != nil {
			return err
		}
		content = bytes.NewReader(text)
	} else {
		stream, err := f.Store.OpenPlain(ctx, claim, maxPlain)
		if err != nil {
			return err
		}
		defer stream.Close() //nolint:errcheck // only read
		content = stream
	}
	mode := os.FileMode(0o600)
	if claim.MediaType == mediaPython {
		mode = 0o700 // Ansible runs a script, and reads anything else
	}
	file, err := os.OpenFile(path+".part", os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode) //nolint:gosec // below Dir
	if err != nil {
		return err
	}
	_, err = io.Copy(file, content)
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	return os.Rename(path+".part", path)
}

// mediaPython is the media type of an inventory that is a script.
const mediaPython = "text/x-python"

// maxTemplate bounds a template with its data.
const maxTemplate = 64 << 20

func (f Files) render(ctx context.Context, claim events.ClaimCheck) ([]byte, error) {
	raw, err := f.Store.ReadAll(ctx, claim, maxTemplate)
	if err != nil {
		return nil, err
	}
	return side.Render(raw, f.Secret)
}

// Claims finds the claim checks in an event's data: artifacts by their name,
// others by their field's.
func Claims(data events.Data) (map[string]events.ClaimCheck, error) {
	raw, err := json.Marshal(data)
	if err != nil {
		return nil, fmt.Errorf("find claim checks: %w", err)
	}
	var document any
	if err := json.Unmarshal(raw, &document); err != nil {
		return nil, fmt.Errorf("find claim checks: %w", err)
	}
	claims := map[string]events.ClaimCheck{}
	collect(claims, "", document)
	return claims, nil
}

func collect(claims map[string]events.ClaimCheck, field string, node any) {
	switch v := node.(type) {
	case []any:
		for _, item := range v {
			collect(claims, field, item)
		}
	case map[string]any:
		if c, name, ok := claimOf(v); ok {
			if name == "" {
				name = field
			}
			claims[name] = c
			return
		}
		for key, item := range v {
			collect(claims, key, item)
		}
	}
}

// claimOf reads an object that is a claim check, with its name if it has one.
func claimOf(object map[string]any) (c events.ClaimCheck, name string, ok bool) {
	for _, field := range []string{"bucket", "key", "sha256", "size", "media_type"} {
		if _, has := object[field]; !has {
			return c, "", false
		}
	}
	raw, err := json.Marshal(object)
	if err != nil || json.Unmarshal(raw, &c) != nil {
		return c, "", false
	}
	name, _ = object["name"].(string)
	return c, name, true
}
