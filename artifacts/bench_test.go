package artifacts_test

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/artifacts/artifactstest"
	"github.com/fiord-bench/fiord/events"
	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// The benchmarks pair the Store with bare minio-go on the same server in the
// same run, so that their ratio means something on any machine.

var benchSizes = []struct {
	name string
	size int
}{{"4kB", 4096}, {"16MB", 16_000_000}}

func benchClients(b *testing.B) (*artifacts.Store, *minio.Client) {
	b.Helper()
	cfg := artifactstest.Start(b, b.TempDir()).Config()
	raw, err := minio.New(strings.TrimPrefix(cfg.Endpoint, "http://"), &minio.Options{
		Creds: credentials.NewStaticV4(cfg.AccessKey, cfg.SecretKey, ""), Region: cfg.Region,
	})
	if err != nil {
		b.Fatal(err)
	}
	return artifactstest.Open(b, cfg), raw
}

func BenchmarkPut(b *testing.B) {
	store, raw := benchClients(b)
	n := 0
	for _, c := range benchSizes {
		content := bytesOf(c.size)
		b.Run("store/"+c.name, func(b *testing.B) {
			b.SetBytes(int64(c.size))
			for b.Loop() {
				n++
				// Neither client may seek: content comes from elsewhere.
				src := io.MultiReader(bytes.NewReader(content))
				if _, err := store.Put(b.Context(), fmt.Sprintf("bench/%d", n), "application/octet-stream", src); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("minio-go/"+c.name, func(b *testing.B) {
			b.SetBytes(int64(c.size))
			for b.Loop() {
				n++
				src := io.MultiReader(bytes.NewReader(content))
				opts := minio.PutObjectOptions{DisableMultipart: true}
				opts.SetMatchETagExcept("*")
				if _, err := raw.PutObject(b.Context(), artifactstest.Bucket, fmt.Sprintf("bench/%d", n), src, int64(c.size), opts); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	store, raw := benchClients(b)
	for _, c := range benchSizes {
		claim := artifactstest.Put(b, store, "bench/"+c.name, "application/octet-stream", string(bytesOf(c.size)))
		b.Run("store/"+c.name, func(b *testing.B) {
			b.SetBytes(int64(c.size))
			for b.Loop() {
				r, err := store.Open(b.Context(), claim)
				drain(b, r, err, claim)
			}
		})
		b.Run("minio-go/"+c.name, func(b *testing.B) {
			b.SetBytes(int64(c.size))
			for b.Loop() {
				r, err := raw.GetObject(b.Context(), artifactstest.Bucket, claim.Key, minio.GetObjectOptions{})
				drain(b, r, err, claim)
			}
		})
	}
}

func drain(b *testing.B, r io.ReadCloser, err error, claim events.ClaimCheck) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	if n, err := io.Copy(io.Discard, r); err != nil || n != claim.Size {
		b.Fatalf("read %d bytes, error %v", n, err)
	}
}
