package artifacts

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"

	"github.com/fiord-bench/fiord/events"
	"github.com/minio/minio-go/v7"
)

// metaSHA256 is the user metadata that carries the hash of the content, in
// hexadecimal. The claim check in the event is what counts; this copy lets a
// repeated Put, and an operator, compare without reading.
const metaSHA256 = "Sha256"

// Put stores the content of r under key, once. When the key already holds the
// same content, Put verifies it and returns the same claim check; when it holds
// anything else, the error is [ErrExists]. mediaType is a MIME type of what is
// stored.
//
// r is read once, to its end, into memory or a temporary file; retries send
// that copy. The write is one conditional PUT: multipart uploads through
// minio-go drop the condition.
func (s *Store) Put(ctx context.Context, key, mediaType string, r io.Reader) (events.ClaimCheck, error) {
	if err := validatePut(key, mediaType); err != nil {
		return events.ClaimCheck{}, err
	}
	content, err := newSpool(s.cfg.SpoolDir, r)
	if err != nil {
		return events.ClaimCheck{}, fmt.Errorf("put %s: %w", key, err)
	}
	defer content.close()
	claim := events.ClaimCheck{
		Bucket: s.cfg.Bucket, Key: key, SHA256: content.sumHex(), Size: content.size, MediaType: mediaType,
	}
	err = s.retry(ctx, "put", key, func(ctx context.Context) error {
		_, err := s.sendIf(ctx, key, "", content, mediaType)
		return err
	})
	if errors.Is(err, ErrStale) {
		// The key is taken: by the same content before, by our own first try
		// whose answer was lost, or by another writer.
		err = s.sameContent(ctx, claim)
	}
	if err != nil {
		return events.ClaimCheck{}, err
	}
	return claim, nil
}

func validatePut(key, mediaType string) error {
	if err := ValidateKey(key); err != nil {
		return err
	}
	if _, _, err := mime.ParseMediaType(mediaType); err != nil {
		return fmt.Errorf("%w: key %s: media type %q: %w", ErrInvalid, key, mediaType, err)
	}
	return nil
}

// putOptions describes a spooled content. The payload is not hashed chunk by
// chunk while it is sent, because send signs the hash of the whole.
func putOptions(content *spool, mediaType string) minio.PutObjectOptions {
	return minio.PutObjectOptions{
		ContentType:          mediaType,
		DisableMultipart:     true,
		DisableContentSha256: true,
		UserMetadata:         map[string]string{metaSHA256: content.sumHex()},
	}
}

// sendIf makes one PUT request that the server refuses unless the key holds the version
// that etag names, or nothing if etag is empty. It returns the new ETag.
//
// A server may refuse before it has read the body, and close: the client then meets a
// reset while it sends, and its kernel discards the answer. A large body would meet that
// each time. So a request without an answer is followed by a look at the key: if another
// version is there, the error is [ErrStale]. That version may also be this content, stored
// by this request.
func (s *Store) sendIf(ctx context.Context, key, etag string, content *spool, mediaType string) (string, error) {
	opts := putOptions(content, mediaType)
	if etag == "" {
		opts.SetMatchETagExcept("*")
	} else {
		opts.SetMatchETag(etag)
	}
	newTag, err := s.send(ctx, key, content, opts)
	if err == nil || answered(err) || ctx.Err() != nil {
		return newTag, err
	}
	found, statErr := s.api.StatObject(ctx, s.cfg.Bucket, key, minio.StatObjectOptions{})
	if statErr != nil || found.ETag == etag {
		return "", err
	}
	return "", fmt.Errorf("%w: %w", errUnanswered, err)
}

// errUnanswered is an ErrStale that the server did not say itself.
var errUnanswered = fmt.Errorf("%w: the key holds another version, and the request got no answer", ErrStale)

// answered reports whether an error is the server's answer.
func answered(err error) bool {
	_, ok := errors.AsType[minio.ErrorResponse](err)
	return ok
}

// send makes one PUT request and returns the new ETag. The signature covers the
// SHA-256 of the body, so that every server refuses one that was damaged or cut
// on its way, with or without TLS.
func (s *Store) send(ctx context.Context, key string, content *spool, opts minio.PutObjectOptions) (string, error) {
	info, err := s.api.PutObject(ctx, s.cfg.Bucket, key, content.reader(), content.size, "", content.sumHex(), opts)
	s.writes.note(key, err)
	return info.ETag, err
}

// sameContent tells a key that holds the claimed content from one that holds
// other content. It believes nothing but the bytes: a difference in size or
// metadata is enough to say no, but only reading everything says yes.
func (s *Store) sameContent(ctx context.Context, claim events.ClaimCheck) error {
	info, err := s.Stat(ctx, claim.Key)
	if err != nil {
		return err
	}
	if info.Size != claim.Size || info.SHA256 != "" && info.SHA256 != claim.SHA256 {
		return opError("put", claim.Key, ErrExists)
	}
	err = s.verify(ctx, claim)
	if errors.Is(err, ErrCorrupt) && info.SHA256 == "" {
		return opError("put", claim.Key, ErrExists) // not ours: never had our hash
	}
	return err
}
