package embedded_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/artifacts/embedded"
	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// evil is what an attacker would have written: a line of its own and a sequence that clears the screen.
const evil = "x\nlevel=ERROR msg=\"forged\"\x1b[2J"

// printed has f run while everything that the process prints by itself is collected.
func printed(t *testing.T, f func()) string {
	t.Helper()
	out, errs := os.Stdout, os.Stderr
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	os.Stdout, os.Stderr = w, w
	defer func() { os.Stdout, os.Stderr = out, errs }()
	var text bytes.Buffer
	var reading sync.WaitGroup
	reading.Go(func() { _, _ = io.Copy(&text, r) })
	f()
	os.Stdout, os.Stderr = out, errs
	_ = w.Close()
	reading.Wait()
	_ = r.Close()
	return text.String()
}

// lines is a log that several goroutines write to.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// logged starts a server with a log at debug, which quotes nothing but what slog quotes.
func logged(t *testing.T) (*embedded.Server, *lines) {
	t.Helper()
	var log lines
	srv, err := embedded.Start(t.Context(), embedded.Options{
		Dir: t.TempDir(), Bucket: "b-b", AccessKey: "root", SecretKey: "root-secret",
		Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = srv.Close() })
	return srv, &log
}

func client(t *testing.T, srv *embedded.Server) *minio.Core {
	t.Helper()
	c, err := minio.NewCore(strings.TrimPrefix(srv.Endpoint(), "http://"), &minio.Options{
		Creds: credentials.NewStaticV4("root", "root-secret", ""), MaxRetries: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// noForgedLine refuses a log in which what a client sent stands raw.
func noForgedLine(t *testing.T, log string) {
	t.Helper()
	for line := range strings.Lines(log) {
		if !strings.HasPrefix(line, "time=") || strings.ContainsAny(line, "\x1b\r\u009b") {
			t.Errorf("raw line in the log: %q", line)
		}
	}
}

func TestKeysWithControlCharactersAreRefused(t *testing.T) {
	srv, log := logged(t)
	c, ctx := client(t, srv), t.Context()
	long := strings.Repeat("l", 300) // the file system refuses it, with its path in the error
	names := []string{evil, "runs/" + evil, evil + long, "a\tb", "a\x7f", "a\u0085b", "a\u2028b", "a\x00b"}
	var failures []error
	stray := printed(t, func() {
		for _, key := range names {
			_, putErr := c.Client.PutObject(ctx, "b-b", key, strings.NewReader("x"), 1, minio.PutObjectOptions{})
			_, _, _, getErr := c.GetObject(ctx, "b-b", key, minio.GetObjectOptions{})
			listed := c.Client.ListObjects(ctx, "b-b", minio.ListObjectsOptions{Prefix: key, MaxKeys: 10})
			var listErr error
			for o := range listed {
				listErr = o.Err
			}
			removeErr := c.RemoveObject(ctx, "b-b", key, minio.RemoveObjectOptions{})
			_, uploadErr := c.NewMultipartUpload(ctx, "b-b", key, minio.PutObjectOptions{})
			_, copyErr := c.CopyObject(ctx, "b-b", key, "b-b", "target", nil, minio.CopySrcOptions{}, minio.PutObjectOptions{})
			for what, err := range map[string]error{"put": putErr, "get": getErr, "list": listErr, "remove": removeErr, "upload": uploadErr, "copy": copyErr} {
				if code := minio.ToErrorResponse(err).StatusCode; code != http.StatusBadRequest {
					failures = append(failures, fmt.Errorf("%s of %q: status %d, %w", what, key, code, err))
				}
			}
		}
	})
	for _, err := range failures {
		t.Error(err)
	}
	if stray != "" {
		t.Errorf("printed past the log:\n%q", stray)
	}
	noForgedLine(t, log.String())
}

func TestKeysInBodiesAreHeldToTheSame(t *testing.T) {
	srv, log := logged(t)
	c := client(t, srv)
	stray := printed(t, func() {
		objects := make(chan minio.ObjectInfo, 1)
		objects <- minio.ObjectInfo{Key: "a\nb"}
		close(objects)
		var got error
		for e := range c.RemoveObjects(t.Context(), "b-b", objects, minio.RemoveObjectsOptions{}) {
			got = e.Err
		}
		if got == nil || !strings.Contains(got.Error(), "control characters") {
			t.Errorf("removing a key with a newline: %v", got)
		}
	})
	if stray != "" {
		t.Errorf("printed past the log:\n%q", stray)
	}
	noForgedLine(t, log.String())
}

func TestWhatTheFileSystemRefusesIsLoggedAndAnswered(t *testing.T) {
	srv, log := logged(t)
	c := client(t, srv)
	stray := printed(t, func() {
		for _, key := range []string{strings.Repeat("long", 100), "d/" + strings.Repeat("é", 200), "f/" + strings.Repeat("x/", 3000) + "y"} {
			if _, err := c.Client.PutObject(t.Context(), "b-b", key, strings.NewReader("x"), 1, minio.PutObjectOptions{}); err == nil {
				t.Errorf("put of a name of %d bytes succeeded", len(key))
			}
		}
		for _, bucket := range []string{strings.Repeat("b", 300), "..", "a%0Ab", "a%1B%5B2J", "-", "b-b%00"} {
			response, err := http.Get(srv.Endpoint() + "/" + bucket + "/key")
			if err != nil {
				t.Error(err)
				continue
			}
			_ = response.Body.Close()
			if response.StatusCode < 400 || response.StatusCode > 499 {
				t.Errorf("bucket %q: status %d", bucket, response.StatusCode)
			}
		}
	})
	if stray != "" {
		t.Errorf("printed past the log:\n%q", stray)
	}
	noForgedLine(t, log.String())
}

// Raw requests, as no well-behaved client sends them.
func TestHeadersWithControlCharactersReachNoLog(t *testing.T) {
	srv, log := logged(t)
	addr := strings.TrimPrefix(srv.Endpoint(), "http://")
	stray := printed(t, func() {
		for name, request := range map[string]string{
			"user agent":          "GET /b-b/k HTTP/1.1\r\nHost: x\r\nUser-Agent: \x1b[2Jforged\r\n\r\n",
			"user agent, newline": "GET /b-b/k HTTP/1.1\r\nHost: x\r\nUser-Agent: a\nlevel=ERROR msg=forged\r\n\r\n",
			"host":                "GET /b-b/k HTTP/1.1\r\nHost: \x1b]0;forged\x07\r\n\r\n",
			"metadata":            "PUT /b-b/k HTTP/1.1\r\nHost: x\r\nX-Amz-Meta-A: \x1b[31m\r\nContent-Length: 0\r\n\r\n",
			"source of a copy":    "PUT /b-b/k HTTP/1.1\r\nHost: x\r\nX-Amz-Copy-Source: /b-b/a%0Aforged\r\nContent-Length: 0\r\n\r\n",
			"credential":          "GET /b-b/k HTTP/1.1\r\nHost: x\r\nAuthorization: AWS4-HMAC-SHA256 Credential=\x1b[2J/20260101/us-east-1/s3/aws4_request\r\n\r\n",
			"query":               "GET /b-b/?prefix=%1B%5B2J%0Aforged HTTP/1.1\r\nHost: x\r\n\r\n",
			"path":                "GET /b-b/%zz%0Aforged HTTP/1.1\r\nHost: x\r\n\r\n",
			"bucket":              "GET /%1B%5B2J%0Aforged/ HTTP/1.1\r\nHost: x\r\n\r\n",
		} {
			if status, err := rawly(t.Context(), addr, request); err != nil || status < 400 || status > 499 {
				t.Errorf("%s: status %d, %v", name, status, err)
			}
		}
	})
	if stray != "" {
		t.Errorf("printed past the log:\n%q", stray)
	}
	noForgedLine(t, log.String())
}

// rawly sends bytes and returns the status that is answered.
func rawly(ctx context.Context, addr, request string) (int, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return 0, err
	}
	if _, err := io.WriteString(conn, request); err != nil {
		return 0, err
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0, err
	}
	return response.StatusCode, response.Body.Close()
}
