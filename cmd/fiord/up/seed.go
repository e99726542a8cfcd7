package up

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/fiord-bench/fiord/artifacts"
)

// Seed lets fill write artifacts into a data folder that nothing runs on, such as
// the past of a fleet that is made up. Only the S3 server runs meanwhile, and fill
// may write below every prefix.
func Seed(ctx context.Context, dir string, cfg Config, log *slog.Logger, fill func(context.Context, *artifacts.Store) error) (err error) {
	cfg.Servers.S3.Listen = "127.0.0.1:0"
	s := &Stack{dir: dir, cfg: cfg, log: log}
	defer func() { err = errors.Join(err, s.Close()) }()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make data folder: %w", err)
	}
	lock, err := lockFolder(dir)
	if err != nil {
		return err
	}
	s.undo(lock.Close)
	if err := errors.Join(s.openUsers(), s.complete()); err != nil {
		return err
	}
	if err := s.startS3(ctx); err != nil {
		return err
	}
	root := s.users[operator]
	store, err := artifacts.Open(ctx, artifacts.Config{
		Endpoint: s.s3.Endpoint(), Bucket: cfg.Servers.S3.Bucket, AccessKey: root.AccessKey, SecretKey: root.SecretKey.Reveal(),
	})
	if err != nil {
		return fmt.Errorf("open store: %w", err)
	}
	s.undo(func() error { store.Close(); return nil })
	return fill(ctx, store)
}
