package embedded

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/versity/versitygw/auth"
	"github.com/versity/versitygw/backend"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/s3err"
	"github.com/versity/versitygw/s3response"
)

// disk is the backend that the gateway sees: the POSIX one with absolute paths
// and synced writes. What it doesn't implement answers NotImplemented, so that
// no operation can slip past it.
type disk struct {
	backend.BackendUnsupported
	posix *posix.Posix
	root  string // absolute

	users *accounts
	log   *slog.Logger

	// policies of other buckets since the start: an extended attribute would bound them
	// to what the file system takes.
	mu       sync.RWMutex
	policies map[string][]byte
}

var _ backend.Backend = (*disk)(nil)

// String implements [backend.Backend].
func (d *disk) String() string { return "fiord" }

// Shutdown implements [backend.Backend].
func (d *disk) Shutdown() { d.posix.Shutdown() }

// NormalizeObjectKey implements [backend.Backend].
func (d *disk) NormalizeObjectKey(bucket, object string) string {
	return d.posix.NormalizeObjectKey(bucket, object)
}

// path makes a bucket's name absolute. The error is what S3 answers to the name
// of no bucket.
func (d *disk) path(bucket string) (string, error) {
	if bucket == "" || bucket[0] == '.' || strings.ContainsAny(bucket, `/\`) {
		return "", s3err.GetBucketErr(s3err.ErrInvalidBucketName, bucket)
	}
	path := filepath.Join(d.root, bucket)
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
		return "", s3err.GetBucketErr(s3err.ErrNoSuchBucket, bucket)
	}
	return path, err
}

// in replaces a request's bucket by its path for the length of one call.
func (d *disk) in(bucket **string) error {
	if *bucket == nil {
		return s3err.GetBucketErr(s3err.ErrInvalidBucketName, "")
	}
	path, err := d.path(**bucket)
	*bucket = &path
	return err
}

// ListBuckets implements [backend.Backend]. Only root sees buckets listed.
func (d *disk) ListBuckets(ctx context.Context, in s3response.ListBucketsInput) (out s3response.ListAllMyBucketsResult, err error) {
	defer d.answer(ctx, "ListBuckets", &err)
	out.Owner.ID, out.Prefix = in.Owner, in.Prefix
	if !in.IsAdmin {
		return out, nil
	}
	entries, err := os.ReadDir(d.root)
	if err != nil {
		return out, err
	}
	for _, e := range entries {
		name := e.Name()
		if !e.IsDir() || name[0] == '.' || !strings.HasPrefix(name, in.Prefix) || name <= in.ContinuationToken {
			continue
		}
		if len(out.Buckets.Bucket) == int(in.MaxBuckets) {
			out.ContinuationToken = out.Buckets.Bucket[len(out.Buckets.Bucket)-1].Name
			break
		}
		info, err := e.Info()
		if err != nil {
			continue // removed meanwhile
		}
		out.Buckets.Bucket = append(out.Buckets.Bucket, s3response.ListAllMyBucketsEntry{Name: name, CreationDate: info.ModTime()})
	}
	return out, nil
}

// CreateBucket implements [backend.Backend].
func (d *disk) CreateBucket(ctx context.Context, in *s3.CreateBucketInput, acl []byte) (err error) {
	defer d.answer(ctx, "CreateBucket", &err)
	name := *in.Bucket
	if name == "" || name[0] == '.' || strings.ContainsAny(name, `/\`) {
		return s3err.GetBucketErr(s3err.ErrInvalidBucketName, name)
	}
	req := *in
	path := filepath.Join(d.root, name)
	req.Bucket = &path
	if err := d.posix.CreateBucket(ctx, &req, acl); err != nil {
		return named(err, name)
	}
	return syncPath(path, d.root)
}

// HeadBucket implements [backend.Backend].
func (d *disk) HeadBucket(ctx context.Context, in *s3.HeadBucketInput) (_ *s3.HeadBucketOutput, err error) {
	defer d.answer(ctx, "HeadBucket", &err)
	_, err = d.path(*in.Bucket)
	return &s3.HeadBucketOutput{}, err
}

// DeleteBucket implements [backend.Backend].
func (d *disk) DeleteBucket(ctx context.Context, bucket string) (err error) {
	defer d.answer(ctx, "DeleteBucket", &err)
	path, err := d.path(bucket)
	if err != nil {
		return err
	}
	if err := d.posix.DeleteBucket(ctx, path); err != nil {
		return named(err, bucket)
	}
	return syncPath(d.root, d.root)
}

// GetBucketAcl implements [backend.Backend].
func (d *disk) GetBucketAcl(ctx context.Context, in *s3.GetBucketAclInput) (_ []byte, err error) {
	defer d.answer(ctx, "GetBucketAcl", &err)
	req := *in
	if err := d.in(&req.Bucket); err != nil {
		return nil, err
	}
	return d.posix.GetBucketAcl(ctx, &req)
}

// PutBucketPolicy implements [backend.Backend]. The rights in the bucket of
// [Options] are those of its users and nothing else.
func (d *disk) PutBucketPolicy(ctx context.Context, bucket string, policy []byte) (err error) {
	defer d.answer(ctx, "PutBucketPolicy", &err)
	if bucket == d.users.bucket {
		return s3err.GetAPIError(s3err.ErrNotImplemented)
	}
	if _, err := d.path(bucket); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if policy == nil {
		delete(d.policies, bucket)
		return nil
	}
	d.policies[bucket] = bytes.Clone(policy) // it is part of a request that ends
	return nil
}

// DeleteBucketPolicy implements [backend.Backend].
func (d *disk) DeleteBucketPolicy(ctx context.Context, bucket string) (err error) {
	defer d.answer(ctx, "DeleteBucketPolicy", &err)
	return d.PutBucketPolicy(ctx, bucket, nil)
}

// read asks for an attribute of a bucket.
func (d *disk) read(ctx context.Context, bucket string, get func(context.Context, string) ([]byte, error)) ([]byte, error) {
	path, err := d.path(bucket)
	if err != nil {
		return nil, err
	}
	value, err := get(ctx, path)
	return value, named(err, bucket)
}

// named takes the server's path out of an error that quotes the bucket.
func named(err error, bucket string) error {
	if e, ok := errors.AsType[s3err.BucketError](err); ok {
		e.BucketName = bucket
		return e
	}
	return err
}

// GetBucketPolicy implements [backend.Backend]. The gateway asks for it before each
// request, and gets what the account may that makes it.
func (d *disk) GetBucketPolicy(ctx context.Context, bucket string) (_ []byte, err error) {
	defer d.answer(ctx, "GetBucketPolicy", &err)
	if _, err := d.path(bucket); err != nil {
		return nil, err
	}
	if bucket == d.users.bucket {
		if own := d.users.policy(account(ctx).Access); own != nil {
			return own, nil
		}
		return nil, s3err.GetBucketErr(s3err.ErrNoSuchBucketPolicy, bucket)
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	policy, ok := d.policies[bucket]
	if !ok {
		return nil, s3err.GetBucketErr(s3err.ErrNoSuchBucketPolicy, bucket)
	}
	return policy, nil
}

// GetBucketCors implements [backend.Backend].
func (d *disk) GetBucketCors(ctx context.Context, bucket string) (_ []byte, err error) {
	defer d.answer(ctx, "GetBucketCors", &err)
	return d.read(ctx, bucket, d.posix.GetBucketCors)
}

// GetObjectLockConfiguration implements [backend.Backend].
func (d *disk) GetObjectLockConfiguration(ctx context.Context, bucket string) (_ []byte, err error) {
	defer d.answer(ctx, "GetObjectLockConfiguration", &err)
	return d.read(ctx, bucket, d.posix.GetObjectLockConfiguration)
}

// GetBucketVersioning implements [backend.Backend]: there is none.
func (d *disk) GetBucketVersioning(ctx context.Context, bucket string) (out s3response.GetBucketVersioningOutput, err error) {
	defer d.answer(ctx, "GetBucketVersioning", &err)
	_, err = d.path(bucket)
	return out, err
}

// account is who asks; the gateway puts it there once the signature holds.
func account(ctx context.Context) auth.Account {
	acct, _ := ctx.Value("account").(auth.Account)
	return acct
}
