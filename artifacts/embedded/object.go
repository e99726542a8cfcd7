package embedded

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/versity/versitygw/auth"
	"github.com/versity/versitygw/s3err"
	"github.com/versity/versitygw/s3response"
)

// PutObject implements [backend.Backend]. The content is synced while it still
// has no name, then attributes, name and folders: what a crash leaves is the
// whole object or none, and an acknowledged object is there.
//
// Somebody who is told that the key is taken may rely on it as well, so that
// answer waits for the same sync.
func (d *disk) PutObject(ctx context.Context, in s3response.PutObjectInput) (_ s3response.PutObjectOutput, err error) {
	defer d.answer(ctx, "PutObject", &err)
	bucket := *in.Bucket
	if err := d.in(&in.Bucket); err != nil {
		return s3response.PutObjectOutput{}, err
	}
	if err := d.writeOnce(ctx, &in); err != nil {
		return s3response.PutObjectOutput{}, err
	}
	out, err := d.posix.PutObjectWithPostFunc(ctx, in, func(f *os.File) error { return f.Sync() })
	taken := errors.Is(err, s3err.GetAPIError(s3err.ErrPreconditionFailed))
	if err == nil || taken {
		if syncErr := syncPath(filepath.Join(*in.Bucket, *in.Key), d.root); syncErr != nil {
			return out, syncErr
		}
	}
	return out, named(err, bucket)
}

// writeOnce keeps users from overwriting: a PUT without a condition becomes one for
// a new key, and one that names a version is for those who may replace it.
func (d *disk) writeOnce(ctx context.Context, in *s3response.PutObjectInput) error {
	user := account(ctx)
	if user.Role != auth.RoleUser {
		return nil
	}
	if in.IfMatch != nil && (*in.IfMatch == "*" || !d.users.mayReplace(user.Access, *in.Key)) {
		return s3err.GetAPIError(s3err.ErrAccessDenied)
	}
	if in.IfMatch == nil && in.IfNoneMatch == nil {
		anything := "*"
		in.IfNoneMatch = &anything
	}
	return nil
}

// HeadObject implements [backend.Backend].
func (d *disk) HeadObject(ctx context.Context, in *s3.HeadObjectInput) (_ *s3.HeadObjectOutput, err error) {
	defer d.answer(ctx, "HeadObject", &err)
	req := *in
	if err := d.in(&req.Bucket); err != nil {
		return nil, err
	}
	out, err := d.posix.HeadObject(ctx, &req)
	return out, named(err, *in.Bucket)
}

// GetObject implements [backend.Backend].
func (d *disk) GetObject(ctx context.Context, in *s3.GetObjectInput) (_ *s3.GetObjectOutput, err error) {
	defer d.answer(ctx, "GetObject", &err)
	req := *in
	if err := d.in(&req.Bucket); err != nil {
		return nil, err
	}
	out, err := d.posix.GetObject(ctx, &req)
	return out, named(err, *in.Bucket)
}

// GetObjectAttributes implements [backend.Backend].
func (d *disk) GetObjectAttributes(ctx context.Context, in *s3.GetObjectAttributesInput) (_ s3response.GetObjectAttributesResponse, err error) {
	defer d.answer(ctx, "GetObjectAttributes", &err)
	req := *in
	if err := d.in(&req.Bucket); err != nil {
		return s3response.GetObjectAttributesResponse{}, err
	}
	out, err := d.posix.GetObjectAttributes(ctx, &req)
	return out, named(err, *in.Bucket)
}

// DeleteObject implements [backend.Backend].
func (d *disk) DeleteObject(ctx context.Context, in *s3.DeleteObjectInput) (_ *s3.DeleteObjectOutput, err error) {
	defer d.answer(ctx, "DeleteObject", &err)
	req := *in
	if err := d.in(&req.Bucket); err != nil {
		return nil, err
	}
	out, err := d.posix.DeleteObject(ctx, &req)
	if err != nil {
		return out, named(err, *in.Bucket)
	}
	return out, syncPath(filepath.Dir(filepath.Join(*req.Bucket, *req.Key)), d.root)
}

// DeleteObjects implements [backend.Backend].
func (d *disk) DeleteObjects(ctx context.Context, in *s3.DeleteObjectsInput) (_ s3response.DeleteResult, err error) {
	defer d.answer(ctx, "DeleteObjects", &err)
	req := *in
	if err := d.in(&req.Bucket); err != nil {
		return s3response.DeleteResult{}, err
	}
	for _, o := range in.Delete.Objects {
		if err := keys(o.Key); err != nil {
			return s3response.DeleteResult{}, err
		}
	}
	out, err := d.posix.DeleteObjects(ctx, &req)
	if err != nil {
		return out, named(err, *in.Bucket)
	}
	for _, o := range out.Deleted {
		if err := syncPath(filepath.Dir(filepath.Join(*req.Bucket, *o.Key)), d.root); err != nil {
			return out, err
		}
	}
	return out, nil
}

// ListObjects implements [backend.Backend].
func (d *disk) ListObjects(ctx context.Context, in *s3.ListObjectsInput) (_ s3response.ListObjectsResult, err error) {
	defer d.answer(ctx, "ListObjects", &err)
	req := *in
	if err := d.in(&req.Bucket); err != nil {
		return s3response.ListObjectsResult{}, err
	}
	out, err := d.posix.ListObjects(ctx, &req)
	out.Name = in.Bucket
	return out, named(err, *in.Bucket)
}

// ListObjectsV2 implements [backend.Backend].
func (d *disk) ListObjectsV2(ctx context.Context, in *s3.ListObjectsV2Input) (_ s3response.ListObjectsV2Result, err error) {
	defer d.answer(ctx, "ListObjectsV2", &err)
	req := *in
	if err := d.in(&req.Bucket); err != nil {
		return s3response.ListObjectsV2Result{}, err
	}
	out, err := d.posix.ListObjectsV2(ctx, &req)
	out.Name = in.Bucket
	return out, named(err, *in.Bucket)
}
