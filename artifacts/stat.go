package artifacts

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/minio/minio-go/v7"
)

// Info is what the server says about an object, unverified.
type Info struct {
	Key  string
	Size int64 // bytes
	// ETag names this version of the content, for [Store.Replace].
	ETag string
	// MediaType and SHA256 (hexadecimal) are empty in listings, which do not
	// carry them, and SHA256 also when something else wrote the object.
	MediaType string
	SHA256    string
	Modified  time.Time
}

// Stat asks for one object. The error is [ErrNotFound] when there is none.
func (s *Store) Stat(ctx context.Context, key string) (Info, error) {
	if err := ValidateKey(key); err != nil {
		return Info{}, err
	}
	var found minio.ObjectInfo
	err := s.retry(ctx, "stat", key, func(ctx context.Context) (err error) {
		found, err = s.api.StatObject(ctx, s.cfg.Bucket, key, minio.StatObjectOptions{})
		if err != nil && errors.Is(classOf(err), ErrNotFound) {
			// The answer to HEAD has no body that says what is not there.
			if exists, bucketErr := s.api.BucketExists(ctx, s.cfg.Bucket); bucketErr == nil && !exists {
				return s.noBucket("not made yet, or gone")
			}
		}
		return err
	})
	return infoOf(found), err
}

// Claim rebuilds the claim check of an object from what the server says. It is
// for objects without an event, such as inventories/latest.json.
func (s *Store) Claim(ctx context.Context, key string) (events.ClaimCheck, error) {
	info, err := s.Stat(ctx, key)
	if err != nil {
		return events.ClaimCheck{}, err
	}
	return s.claimOf(info)
}

func (s *Store) claimOf(info Info) (events.ClaimCheck, error) {
	if info.SHA256 == "" {
		return events.ClaimCheck{}, fmt.Errorf("claim %s: %w: the object carries no sha256", info.Key, ErrInvalid)
	}
	return events.ClaimCheck{
		Bucket: s.cfg.Bucket, Key: info.Key, SHA256: info.SHA256, Size: info.Size, MediaType: info.MediaType,
	}, nil
}

// List walks the objects whose keys start with prefix, in the order of their
// keys, page by page. An error ends the walk. An empty prefix lists everything.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		after := ""
		for failures := 0; ; {
			last, err := s.listFrom(ctx, prefix, after, yield)
			if err == nil {
				return
			}
			if last != after {
				after, failures = last, 0
			}
			failures++
			giveUp := failures >= s.cfg.Attempts || !errors.Is(classOf(err), ErrUnavailable)
			if giveUp || !pause(ctx, s.cfg.Backoff, failures) {
				yield(Info{}, opError("list", prefix, err))
				return
			}
		}
	}
}

// listFrom yields what follows after and returns the last key yielded. A nil
// error means that the walk is over, by its end or by the caller's wish.
func (s *Store) listFrom(ctx context.Context, prefix, after string, yield func(Info, error) bool) (string, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	opts := minio.ListObjectsOptions{Prefix: prefix, Recursive: true, StartAfter: after}
	for found := range s.api.ListObjectsIter(ctx, s.cfg.Bucket, opts) {
		if found.Err != nil {
			return after, found.Err
		}
		if !yield(infoOf(found), nil) {
			return after, nil
		}
		after = found.Key
	}
	return after, ctx.Err()
}

// Remove deletes an object; one that is already gone is a success. It is for
// garbage collection: nothing else may break a claim check.
func (s *Store) Remove(ctx context.Context, key string) error {
	if err := ValidateKey(key); err != nil {
		return err
	}
	return s.retry(ctx, "remove", key, func(ctx context.Context) error {
		err := s.api.RemoveObject(ctx, s.cfg.Bucket, key, minio.RemoveObjectOptions{})
		if err != nil && errors.Is(classOf(err), ErrNotFound) {
			return nil
		}
		return err
	})
}

func infoOf(o minio.ObjectInfo) Info {
	return Info{
		Key: o.Key, Size: o.Size, ETag: o.ETag, MediaType: o.ContentType,
		SHA256: o.UserMetadata[metaSHA256], Modified: o.LastModified,
	}
}
