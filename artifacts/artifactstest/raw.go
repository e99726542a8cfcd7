package artifactstest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/minio/minio-go/v7/pkg/tags"
)

// Raw is a client of S3 that keeps none of the Store's promises: what somebody who has
// a user's keys may send. It is for tests of rights.
type Raw struct {
	api      minio.Core
	endpoint string
	bucket   string
	// nobody has no keys, and sends without what others would sign.
	nobody bool
}

// OpenRaw opens the bucket as the user of the configuration; without keys, as nobody.
func OpenRaw(t testing.TB, cfg artifacts.Config) Raw {
	t.Helper()
	at, err := url.Parse(cfg.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	api, err := minio.NewCore(at.Host, &minio.Options{
		Creds: credentials.NewStaticV4(cfg.AccessKey, cfg.SecretKey, ""), Region: "us-east-1", MaxRetries: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	return Raw{*api, cfg.Endpoint, cfg.Bucket, cfg.AccessKey == ""}
}

// Refusal is the server's code for an error that it answered; "" for none, and for one
// that is no answer.
func Refusal(err error) string {
	if refused, ok := errors.AsType[minio.ErrorResponse](err); ok {
		return refused.Code
	}
	return ""
}

// Get reads an object.
func (r Raw) Get(ctx context.Context, key string) (string, error) {
	body, _, _, err := r.api.GetObject(ctx, r.bucket, key, minio.GetObjectOptions{})
	if err != nil {
		return "", err
	}
	defer func() { _ = body.Close() }()
	text, err := io.ReadAll(body)
	return string(text), err
}

// List lists what lies below a prefix.
func (r Raw) List(ctx context.Context, prefix string) (keys []string, err error) {
	for found := range r.api.ListObjectsIter(ctx, r.bucket, minio.ListObjectsOptions{Prefix: prefix, Recursive: true}) {
		if found.Err != nil {
			return keys, found.Err
		}
		keys = append(keys, found.Key)
	}
	return keys, nil
}

// Put stores an object in one request. match is the version to replace (If-Match), or
// "" for no condition.
func (r Raw) Put(ctx context.Context, key, text, match string) error {
	opts := minio.PutObjectOptions{DisableMultipart: true}
	if match != "" {
		opts.SetMatchETag(match)
	}
	_, err := r.api.PutObject(ctx, r.bucket, key, strings.NewReader(text), int64(len(text)), "", "", opts)
	return err
}

// Version is the ETag of an object.
func (r Raw) Version(ctx context.Context, key string) (string, error) {
	info, err := r.api.StatObject(ctx, r.bucket, key, minio.StatObjectOptions{})
	return info.ETag, err
}

// PutParts stores an object in two parts.
func (r Raw) PutParts(ctx context.Context, key string) error {
	id, err := r.api.NewMultipartUpload(ctx, r.bucket, key, minio.PutObjectOptions{})
	if err != nil {
		return err
	}
	var parts []minio.CompletePart
	for i, size := range []int{5 << 20, 1} {
		part, err := r.api.PutObjectPart(ctx, r.bucket, key, id, i+1, bytes.NewReader(make([]byte, size)), int64(size), minio.PutObjectPartOptions{})
		if err != nil {
			return err
		}
		parts = append(parts, minio.CompletePart{PartNumber: i + 1, ETag: part.ETag})
	}
	_, err = r.api.CompleteMultipartUpload(ctx, r.bucket, key, id, parts, minio.PutObjectOptions{})
	return err
}

// PutPresigned stores an object by a URL that the user has signed.
func (r Raw) PutPresigned(ctx context.Context, key, text string) error {
	at := r.endpoint + "/" + r.bucket + "/" + key
	if !r.nobody {
		signed, err := r.api.PresignedPutObject(ctx, r.bucket, key, time.Minute)
		if err != nil {
			return err
		}
		at = signed.String()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, at, strings.NewReader(text))
	if err != nil {
		return err
	}
	return send(req)
}

// PutForm stores an object as a browser's form does.
func (r Raw) PutForm(ctx context.Context, key, text string) error {
	at, fields := r.endpoint+"/"+r.bucket, map[string]string{"key": key}
	if !r.nobody {
		policy := minio.NewPostPolicy()
		if err := errors.Join(policy.SetBucket(r.bucket), policy.SetKey(key), policy.SetExpires(time.Now().Add(time.Minute))); err != nil {
			return err
		}
		signed, signedFields, err := r.api.PresignedPostPolicy(ctx, policy)
		if err != nil {
			return err
		}
		at, fields = signed.String(), signedFields
	}
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for name, value := range fields {
		if err := form.WriteField(name, value); err != nil {
			return err
		}
	}
	file, err := form.CreateFormFile("file", "file")
	if err != nil {
		return err
	}
	_, err = io.WriteString(file, text)
	if err := errors.Join(err, form.Close()); err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, at, &body)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", form.FormDataContentType())
	return send(req)
}

// send makes a request that is signed already.
func send(req *http.Request) error {
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode < http.StatusMultipleChoices {
		return nil
	}
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	code := fmt.Sprint(resp.StatusCode)
	if _, rest, ok := strings.Cut(string(text), "<Code>"); ok {
		code, _, _ = strings.Cut(rest, "</Code>")
	}
	return minio.ErrorResponse{Code: code, StatusCode: resp.StatusCode, Message: string(text)}
}

// Copy copies an object within the server.
func (r Raw) Copy(ctx context.Context, from, to string) error {
	_, err := r.api.CopyObject(ctx, r.bucket, from, r.bucket, to, nil, minio.CopySrcOptions{}, minio.PutObjectOptions{})
	return err
}

// Remove removes an object.
func (r Raw) Remove(ctx context.Context, key string) error {
	return r.api.RemoveObject(ctx, r.bucket, key, minio.RemoveObjectOptions{})
}

// RemoveMany removes an object by a request for many.
func (r Raw) RemoveMany(ctx context.Context, key string) error {
	objects := make(chan minio.ObjectInfo, 1)
	objects <- minio.ObjectInfo{Key: key}
	close(objects)
	for failed := range r.api.RemoveObjects(ctx, r.bucket, objects, minio.RemoveObjectsOptions{}) {
		if failed.Err != nil {
			return failed.Err
		}
	}
	return nil
}

// Tag changes the tags of an object.
func (r Raw) Tag(ctx context.Context, key string) error {
	set, err := tags.NewTags(map[string]string{"by": "a test"}, true)
	if err != nil {
		return err
	}
	return r.api.PutObjectTagging(ctx, r.bucket, key, set, minio.PutObjectTaggingOptions{})
}

// Administer is everything that changes the bucket itself, or makes another.
func (r Raw) Administer() map[string]func(context.Context) error {
	const policy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::%[1]s","arn:aws:s3:::%[1]s/*"]}]}`
	return map[string]func(context.Context) error{
		"set the policy": func(ctx context.Context) error {
			return r.api.SetBucketPolicy(ctx, r.bucket, fmt.Sprintf(policy, r.bucket))
		},
		"remove the policy":             func(ctx context.Context) error { return r.api.SetBucketPolicy(ctx, r.bucket, "") },
		"read the policy":               func(ctx context.Context) error { _, err := r.api.GetBucketPolicy(ctx, r.bucket); return err },
		"make a bucket":                 func(ctx context.Context) error { return r.api.MakeBucket(ctx, "another", minio.MakeBucketOptions{}) },
		"remove the bucket":             func(ctx context.Context) error { return r.api.RemoveBucket(ctx, r.bucket) },
		"switch on versions":            func(ctx context.Context) error { return r.api.EnableVersioning(ctx, r.bucket) },
		"remove the tags of the bucket": func(ctx context.Context) error { return r.api.RemoveBucketTagging(ctx, r.bucket) },
	}
}
