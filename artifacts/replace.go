package artifacts

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/fiord-bench/fiord/events"
)

// maxUpdate bounds the objects that [Store.Update] reads into memory.
const maxUpdate = 1 << 20

// updateAttempts bounds how often Update loses to other writers in a row.
const updateAttempts = 32

// Replace writes key if it still is the version that etag names; an empty etag
// means that the key must not exist. Otherwise the error is [ErrStale]. It
// returns the new claim check and ETag.
//
// If the server stored the content and its answer was lost, the repeated
// request is refused; Replace then finds its own content and reports success.
func (s *Store) Replace(ctx context.Context, key, etag, mediaType string, r io.Reader) (events.ClaimCheck, string, error) {
	if err := validatePut(key, mediaType); err != nil {
		return events.ClaimCheck{}, "", err
	}
	content, err := newSpool(s.cfg.SpoolDir, r)
	if err != nil {
		return events.ClaimCheck{}, "", fmt.Errorf("replace %s: %w", key, err)
	}
	defer content.close()
	newTag, err := s.swap(ctx, key, etag, mediaType, content)
	if err != nil {
		return events.ClaimCheck{}, "", err
	}
	return events.ClaimCheck{
		Bucket: s.cfg.Bucket, Key: key, SHA256: content.sumHex(), Size: content.size, MediaType: mediaType,
	}, newTag, nil
}

func (s *Store) swap(ctx context.Context, key, etag, mediaType string, content *spool) (newTag string, err error) {
	tries := 0
	err = s.retry(ctx, "replace", key, func(ctx context.Context) (err error) {
		tries++
		newTag, err = s.sendIf(ctx, key, etag, content, mediaType)
		return err
	})
	switch {
	case errors.Is(err, ErrNotFound):
		return "", fmt.Errorf("replace %s: %w: %w", key, ErrStale, err) // removed meanwhile
	case errors.Is(err, errUnanswered), errors.Is(err, ErrStale) && tries > 1:
		info, statErr := s.Stat(ctx, key)
		if statErr == nil && info.SHA256 == content.sumHex() && info.ETag != etag {
			return info.ETag, nil
		}
	}
	return newTag, err
}

// Update changes a small object by compare-and-set: it reads the content (nil
// when there is none), calls change, and writes the result if nobody wrote in
// between, else starts over. change may be called several times; when it
// returns nil bytes, the object is already as it should be and stays. This is
// how a pointer moves forward only.
func (s *Store) Update(ctx context.Context, key, mediaType string, change func(current []byte) ([]byte, error)) error {
	if err := validatePut(key, mediaType); err != nil {
		return err
	}
	for attempt := 1; ; attempt++ {
		err := s.updateOnce(ctx, key, mediaType, change)
		if !errors.Is(err, ErrStale) || attempt == updateAttempts || !pause(ctx, s.cfg.Backoff/4, min(attempt, 4)) {
			return err
		}
	}
}

func (s *Store) updateOnce(ctx context.Context, key, mediaType string, change func([]byte) ([]byte, error)) error {
	current, etag, err := s.current(ctx, key)
	if err != nil {
		return err
	}
	next, err := change(current)
	if err != nil {
		return fmt.Errorf("update %s: %w", key, err)
	}
	if next == nil {
		return nil
	}
	_, _, err = s.Replace(ctx, key, etag, mediaType, bytes.NewReader(next))
	return err
}

// current reads an object that may change under the reader's hands. A change
// between asking for the hash and reading the bytes looks like corruption, so
// that the version is compared again before corruption is reported.
func (s *Store) current(ctx context.Context, key string) (content []byte, etag string, err error) {
	info, err := s.Stat(ctx, key)
	if errors.Is(err, ErrNotFound) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	claim, err := s.claimOf(info)
	if err != nil {
		return nil, "", err
	}
	content, err = s.ReadAll(ctx, claim, maxUpdate)
	if errors.Is(err, ErrCorrupt) || errors.Is(err, ErrNotFound) {
		if again, statErr := s.Stat(ctx, key); statErr != nil || again.ETag != info.ETag {
			return nil, "", fmt.Errorf("update %s: %w", key, ErrStale)
		}
	}
	return content, info.ETag, err
}
