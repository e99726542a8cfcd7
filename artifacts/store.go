package artifacts

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// Store is one bucket. It is safe for concurrent use and owns its connections.
type Store struct {
	cfg       Config
	api       minio.Core
	transport *http.Transport
	writes    writes
}

// New prepares a Store without touching the network, so that a service can
// start while its bucket is away.
func New(cfg Config) (*Store, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("configure artifact store: %w", err)
	}
	cfg = cfg.withDefaults()
	transport, err := newTransport(cfg)
	if err != nil {
		return nil, fmt.Errorf("configure artifact store: %w", err)
	}
	lookup := minio.BucketLookupPath
	if cfg.VirtualHost {
		lookup = minio.BucketLookupDNS
	} else if cfg.Region == "" {
		lookup = minio.BucketLookupAuto // Amazon, which is retiring paths
	}
	client, err := minio.New(cfg.Endpoint, &minio.Options{
		Creds:        credentials.NewStaticV4(cfg.AccessKey, cfg.SecretKey, cfg.SessionToken),
		Secure:       cfg.Secure,
		Region:       cfg.Region,
		Transport:    clockWatch{transport},
		BucketLookup: lookup,
		MaxRetries:   1, // retries are the Store's: it knows what a repeated PUT means
	})
	if err != nil {
		return nil, fmt.Errorf("configure artifact store: %w: %w", ErrInvalid, err)
	}
	client.SetAppInfo("fiord", "1")
	return &Store{cfg: cfg, api: minio.Core{Client: client}, transport: transport}, nil
}

// Open prepares a Store and sees to it that its bucket exists.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	s, err := New(cfg)
	if err != nil {
		return nil, err
	}
	if err := s.EnsureBucket(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Bucket is the name that this Store writes into claim checks.
func (s *Store) Bucket() string { return s.cfg.Bucket }

// Close drops idle connections. Calls under way are not ended.
func (s *Store) Close() { s.transport.CloseIdleConnections() }

// EnsureBucket makes the bucket unless it exists. Any number of processes may
// call it at once.
func (s *Store) EnsureBucket(ctx context.Context) error {
	return s.retry(ctx, "ensure bucket", s.cfg.Bucket, func(ctx context.Context) error {
		exists, err := s.api.BucketExists(ctx, s.cfg.Bucket)
		if err != nil || exists {
			return err
		}
		err = s.api.MakeBucket(ctx, s.cfg.Bucket, minio.MakeBucketOptions{Region: s.cfg.Region})
		switch minio.ToErrorResponse(err).Code {
		case "BucketAlreadyOwnedByYou", "BucketAlreadyExists":
			return nil // somebody else was faster; a stranger's bucket fails at the first use
		}
		if errors.Is(classOf(err), ErrDenied) {
			return fmt.Errorf("%w (%s)", s.noBucket("not made yet, and this user may not make it"), minio.ToErrorResponse(err).Code)
		}
		return err
	})
}

// noBucket is what waiting, or fiord provision, mends.
func (s *Store) noBucket(why string) error {
	return fmt.Errorf("%w: bucket %s is %s: fiord provision makes it", ErrUnavailable, s.cfg.Bucket, why)
}

// Health asks once, briefly, whether the bucket can be reached, and reports writes that the
// server refused lately.
func (s *Store) Health(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, min(s.cfg.Stall, 5*time.Second))
	defer cancel()
	exists, err := s.api.BucketExists(ctx, s.cfg.Bucket)
	if err == nil && !exists {
		err = s.noBucket("not made yet, or gone")
	}
	if err != nil {
		return opError("check bucket", s.cfg.Bucket, err)
	}
	return s.writes.doubt()
}
