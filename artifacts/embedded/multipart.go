package embedded

import (
	"context"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/versity/versitygw/auth"
	"github.com/versity/versitygw/s3err"
	"github.com/versity/versitygw/s3response"
)

// Multipart uploads are what other clients do with large files. fiord never
// makes one, and its service users may not: the last request of an upload
// cannot be held to a condition by every client.

// CreateMultipartUpload implements [backend.Backend].
func (d *disk) CreateMultipartUpload(ctx context.Context, in s3response.CreateMultipartUploadInput) (_ s3response.InitiateMultipartUploadResult, err error) {
	defer d.answer(ctx, "CreateMultipartUpload", &err)
	if account(ctx).Role == auth.RoleUser {
		return s3response.InitiateMultipartUploadResult{}, s3err.GetAPIError(s3err.ErrAccessDenied)
	}
	bucket := *in.Bucket
	if err := d.in(&in.Bucket); err != nil {
		return s3response.InitiateMultipartUploadResult{}, err
	}
	out, err := d.posix.CreateMultipartUpload(ctx, in)
	out.Bucket = bucket
	return out, named(err, bucket)
}

// UploadPart implements [backend.Backend].
func (d *disk) UploadPart(ctx context.Context, in *s3.UploadPartInput) (_ *s3.UploadPartOutput, err error) {
	defer d.answer(ctx, "UploadPart", &err)
	req := *in
	if err := d.in(&req.Bucket); err != nil {
		return nil, err
	}
	out, err := d.posix.UploadPart(ctx, &req)
	return out, named(err, *in.Bucket)
}

// CompleteMultipartUpload implements [backend.Backend].
func (d *disk) CompleteMultipartUpload(ctx context.Context, in *s3.CompleteMultipartUploadInput) (_ s3response.CompleteMultipartUploadResult, _ string, err error) {
	defer d.answer(ctx, "CompleteMultipartUpload", &err)
	req := *in
	if err := d.in(&req.Bucket); err != nil {
		return s3response.CompleteMultipartUploadResult{}, "", err
	}
	out, version, err := d.posix.CompleteMultipartUpload(ctx, &req)
	out.Bucket = in.Bucket
	if err != nil {
		return out, version, named(err, *in.Bucket)
	}
	return out, version, syncPath(filepath.Join(*req.Bucket, *req.Key), d.root)
}

// AbortMultipartUpload implements [backend.Backend].
func (d *disk) AbortMultipartUpload(ctx context.Context, in *s3.AbortMultipartUploadInput) (err error) {
	defer d.answer(ctx, "AbortMultipartUpload", &err)
	req := *in
	if err := d.in(&req.Bucket); err != nil {
		return err
	}
	return named(d.posix.AbortMultipartUpload(ctx, &req), *in.Bucket)
}

// ListMultipartUploads implements [backend.Backend].
func (d *disk) ListMultipartUploads(ctx context.Context, in *s3.ListMultipartUploadsInput) (_ s3response.ListMultipartUploadsResult, err error) {
	defer d.answer(ctx, "ListMultipartUploads", &err)
	req := *in
	if err := d.in(&req.Bucket); err != nil {
		return s3response.ListMultipartUploadsResult{}, err
	}
	out, err := d.posix.ListMultipartUploads(ctx, &req)
	out.Bucket = *in.Bucket
	return out, named(err, *in.Bucket)
}

// ListParts implements [backend.Backend].
func (d *disk) ListParts(ctx context.Context, in *s3.ListPartsInput) (_ s3response.ListPartsResult, err error) {
	defer d.answer(ctx, "ListParts", &err)
	req := *in
	if err := d.in(&req.Bucket); err != nil {
		return s3response.ListPartsResult{}, err
	}
	out, err := d.posix.ListParts(ctx, &req)
	out.Bucket = *in.Bucket
	return out, named(err, *in.Bucket)
}
