package embedded_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/artifacts/artifactstest"
	"github.com/fiord-bench/fiord/artifacts/embedded"
	"github.com/fiord-bench/fiord/events"
	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"golang.org/x/sys/unix"
)

func TestObjectsOutliveTheServer(t *testing.T) {
	opts := embedded.Options{Dir: t.TempDir(), Bucket: "kept", AccessKey: "root", SecretKey: "root-secret"}
	first, err := embedded.Start(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	claim := artifactstest.Put(t, artifactstest.Open(t, first.Config()), "runs/r/1/fio.json", "application/json", "{}")
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-first.Done():
	default:
		t.Error("a closed server is not done")
	}
	// The same port again, at once: nothing of the first server lingers.
	opts.Addr = strings.TrimPrefix(first.Endpoint(), "http://")
	second, err := embedded.Start(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	s := artifactstest.Open(t, second.Config())
	if got := artifactstest.Read(t, s, claim); got != "{}" {
		t.Errorf("read %q", got)
	}
	if c, err := s.Claim(t.Context(), claim.Key); err != nil || c != claim {
		t.Errorf("claim check after the restart is %+v, %v", c, err)
	}
}

func TestServersShareAProcessAndLeaveItsWorkingDirectory(t *testing.T) {
	before, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	a, b := artifactstest.New(t), artifactstest.New(t)
	claim := artifactstest.Put(t, a, "same/key", "text/plain", "in a")
	artifactstest.Put(t, b, "same/key", "text/plain", "in b")
	if got := artifactstest.Read(t, a, claim); got != "in a" {
		t.Errorf("read %q", got)
	}
	after, err := os.Getwd()
	if err != nil || after != before {
		t.Errorf("working directory was %s, is %s (%v)", before, after, err)
	}
	if left, err := filepath.Glob("*same*"); err != nil || left != nil {
		t.Errorf("written to the working directory: %v", left)
	}
}

func TestBadOptionsAreNamed(t *testing.T) {
	_, err := embedded.Start(t.Context(), embedded.Options{
		Addr:  "nonsense",
		Users: []embedded.User{{AccessKey: "u", SecretKey: "s", Rights: mayWrite("runs")}, {AccessKey: "u"}},
	})
	if err == nil {
		t.Fatal("started")
	}
	for _, want := range []string{"dir", "bucket", "root credentials", "nonsense", `prefix "runs"`, "twice", "no credentials"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not named in: %v", want, err)
		}
	}
}

func TestTakenPortIsNamed(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, err = embedded.Start(t.Context(), embedded.Options{
		Dir: t.TempDir(), Addr: l.Addr().String(), Bucket: "b-b", AccessKey: "a", SecretKey: "s",
	})
	if err == nil || !strings.Contains(err.Error(), "address already in use") || !strings.Contains(err.Error(), l.Addr().String()) {
		t.Errorf("error is %v", err)
	}
}

func TestFileSystemWithoutAttributesIsNamed(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("none", dir, "ramfs", 0, ""); err != nil {
		t.Skipf("needs the right to mount a ramfs, which has no user attributes: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	_, err := embedded.Start(t.Context(), embedded.Options{Dir: dir, Bucket: "b-b", AccessKey: "a", SecretKey: "s"})
	if err == nil || !strings.Contains(err.Error(), "extended attributes") || !strings.Contains(err.Error(), dir) {
		t.Errorf("error is %v", err)
	}
}

var everything = []string{artifacts.Everywhere}

func mayWrite(prefixes ...string) artifacts.Rights {
	return artifacts.Rights{Read: everything, Write: prefixes}
}

// account opens the bucket as another user.
func account(t *testing.T, srv *embedded.Server, access, secret string) *artifacts.Store {
	t.Helper()
	cfg := srv.Config()
	cfg.AccessKey, cfg.SecretKey = access, secret
	return artifactstest.Open(t, cfg)
}

func TestServiceUsersWriteBelowTheirPrefixesOnly(t *testing.T) {
	srv := artifactstest.Start(t, t.TempDir(),
		embedded.User{AccessKey: "bench", SecretKey: "bench-secret", Rights: mayWrite("runs/")},
		embedded.User{AccessKey: "plot", SecretKey: "plot-secret", Rights: artifacts.Rights{Read: everything, Write: []string{"plots/", "reports/"}, Delete: []string{"plots/"}}})
	bench, plot := account(t, srv, "bench", "bench-secret"), account(t, srv, "plot", "plot-secret")
	ctx := t.Context()

	run := artifactstest.Put(t, bench, "runs/r/1/fio.json", "application/json", "{}")
	figure := artifactstest.Put(t, plot, "plots/r/iops.svg", "image/svg+xml", "<svg/>")
	artifactstest.Put(t, bench, "runs/r/1/fio.json", "application/json", "{}")
	if got := artifactstest.Read(t, plot, run); got != "{}" {
		t.Errorf("plot reads %q from bench", got)
	}
	for info, err := range plot.List(ctx, "runs/") {
		if err != nil || info.Key != run.Key {
			t.Errorf("plot lists %q, %v", info.Key, err)
		}
	}
	_, putErr := bench.Put(ctx, "plots/r/fake.svg", "image/svg+xml", strings.NewReader("x"))
	_, prefixErr := bench.Put(ctx, "runsx/fake", "text/plain", strings.NewReader("x"))
	for what, err := range map[string]error{
		"bench puts a plot": putErr, "bench puts beside its prefix": prefixErr,
		"bench removes a run":  bench.Remove(ctx, run.Key),
		"bench removes a plot": bench.Remove(ctx, figure.Key),
		"plot removes a run":   plot.Remove(ctx, run.Key),
	} {
		if !errors.Is(err, artifacts.ErrDenied) {
			t.Errorf("%s: error is %v", what, err)
		}
	}
	if err := plot.Remove(ctx, figure.Key); err != nil {
		t.Errorf("plot removes a plot: %v", err)
	}
}

func TestUsersComeAndGoWhileTheServerRuns(t *testing.T) {
	staying := embedded.User{AccessKey: "bench", SecretKey: "bench-secret", Rights: mayWrite("runs/")}
	srv := artifactstest.Start(t, t.TempDir(), staying)
	bench := account(t, srv, "bench", "bench-secret")
	put := func(s *artifacts.Store, key string) error {
		_, err := s.Put(t.Context(), key, "text/plain", strings.NewReader(key))
		return err
	}
	guest := embedded.User{AccessKey: "guest", SecretKey: "guest-secret", Rights: mayWrite("jobs/")}
	if err := srv.SetUsers([]embedded.User{staying, guest}); err != nil {
		t.Fatal(err)
	}
	visitor := account(t, srv, "guest", "guest-secret")
	if err := errors.Join(put(visitor, "jobs/a"), put(bench, "runs/a")); err != nil {
		t.Errorf("both let in: %v", err)
	}
	if err := put(visitor, "runs/b"); !errors.Is(err, artifacts.ErrDenied) {
		t.Errorf("guest writes a run: error is %v", err)
	}
	if err := srv.SetUsers([]embedded.User{staying}); err != nil {
		t.Fatal(err)
	}
	if err := put(visitor, "jobs/b"); !errors.Is(err, artifacts.ErrDenied) {
		t.Errorf("shut out: error is %v", err)
	}
	if err := put(bench, "runs/b"); err != nil {
		t.Errorf("who stays: %v", err)
	}
	if err := srv.SetUsers([]embedded.User{staying, staying}); err == nil {
		t.Error("one user twice is accepted")
	}
}

func TestServiceUsersCannotOverwriteEvenWithAnotherClient(t *testing.T) {
	srv := artifactstest.Start(t, t.TempDir(), embedded.User{AccessKey: "bench", SecretKey: "bench-secret", Rights: mayWrite("runs/")})
	api, err := minio.New(strings.TrimPrefix(srv.Endpoint(), "http://"), &minio.Options{
		Creds: credentials.NewStaticV4("bench", "bench-secret", ""), Region: "us-east-1",
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	put := func(key string, size int, opts minio.PutObjectOptions) error {
		_, err := api.PutObject(ctx, artifactstest.Bucket, key, bytes.NewReader(make([]byte, size)), int64(size), opts)
		return err
	}
	if err := put("runs/a", 10, minio.PutObjectOptions{}); err != nil {
		t.Fatalf("a new object without a condition: %v", err)
	}
	var anyVersion minio.PutObjectOptions
	anyVersion.SetMatchETag("*")
	for what, err := range map[string]error{
		"overwrite":             put("runs/a", 11, minio.PutObjectOptions{}),
		"overwrite any version": put("runs/a", 11, anyVersion),
		"multipart":             put("runs/b", 20<<20, minio.PutObjectOptions{}),
	} {
		if err == nil {
			t.Errorf("%s succeeded", what)
		}
	}
	_, copyErr := api.CopyObject(ctx, minio.CopyDestOptions{Bucket: artifactstest.Bucket, Object: "runs/a"},
		minio.CopySrcOptions{Bucket: artifactstest.Bucket, Object: "runs/a"})
	policyErr := api.SetBucketPolicy(ctx, artifactstest.Bucket, "")
	bucketErr := api.MakeBucket(ctx, "mine", minio.MakeBucketOptions{})
	removeErr := api.RemoveBucket(ctx, artifactstest.Bucket)
	for what, err := range map[string]error{"copy": copyErr, "policy": policyErr, "new bucket": bucketErr, "remove bucket": removeErr} {
		if err == nil {
			t.Errorf("%s succeeded", what)
		}
	}
}

// Rights were an extended attribute of the bucket, of which ext4 holds 4 KB: the
// twenty-first host could not be let in, nor anybody after it.
func TestManyUsersHaveTheirRights(t *testing.T) {
	var users []embedded.User
	for i := range 500 {
		users = append(users, embedded.User{AccessKey: fmt.Sprintf("bench-host-%d.example.com", i), SecretKey: "host-secret", Rights: mayWrite("runs/")})
	}
	srv := artifactstest.Start(t, t.TempDir(), users...)
	last := account(t, srv, users[len(users)-1].AccessKey, "host-secret")
	artifactstest.Put(t, last, "runs/r/1/fio.json", "application/json", "{}")
	if _, err := last.Put(t.Context(), "jobs/j", "text/plain", strings.NewReader("x")); !errors.Is(err, artifacts.ErrDenied) {
		t.Errorf("a host puts a job: error is %v", err)
	}
}

// A bucket that is still to be made was reported as denied access, and what a claim check
// named in it as gone for good.
func TestABucketThatIsNotMadeYetIsWaitedFor(t *testing.T) {
	srv := artifactstest.Start(t, t.TempDir(), embedded.User{AccessKey: "bench", SecretKey: "bench-secret", Rights: mayWrite("runs/")})
	cfg := srv.Config()
	cfg.Bucket, cfg.Attempts = "not-yet", 2
	cfg.AccessKey, cfg.SecretKey = "bench", "bench-secret"
	s, err := artifacts.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	_, putErr := s.Put(t.Context(), "runs/x", "text/plain", strings.NewReader("x"))
	_, statErr := s.Stat(t.Context(), "runs/x")
	_, openErr := s.Open(t.Context(), events.ClaimCheck{Bucket: "not-yet", Key: "runs/x", SHA256: strings.Repeat("0", 64), Size: 1})
	for what, err := range map[string]error{
		"ensure": s.EnsureBucket(t.Context()), "health": s.Health(t.Context()), "put": putErr, "stat": statErr, "open": openErr,
	} {
		if !errors.Is(err, artifacts.ErrUnavailable) || errors.Is(err, artifacts.ErrDenied) || errors.Is(err, artifacts.ErrNotFound) || !strings.Contains(err.Error(), "bucket") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := s.EnsureBucket(t.Context()); !strings.Contains(err.Error(), "fiord provision") {
		t.Errorf("ensure: %v", err)
	}
}

func TestRightsOfAnEarlierStartAreGone(t *testing.T) {
	dir := t.TempDir()
	opts := embedded.Options{
		Dir: dir, Bucket: artifactstest.Bucket, AccessKey: "root", SecretKey: "root-secret",
		Users: []embedded.User{{AccessKey: "old", SecretKey: "old-secret", Rights: mayWrite("runs/")}},
	}
	first, err := embedded.Start(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	opts.Users[0].Rights.Write = nil
	second, err := embedded.Start(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	_, err = account(t, second, "old", "old-secret").Put(t.Context(), "runs/x", "text/plain", strings.NewReader("x"))
	if !errors.Is(err, artifacts.ErrDenied) {
		t.Errorf("error is %v", err)
	}
}

func TestBucketNamesCannotLeaveTheFolder(t *testing.T) {
	dir := t.TempDir()
	srv := artifactstest.Start(t, filepath.Join(dir, "objects"))
	cfg := srv.Config()
	for _, bucket := range []string{"..", ".vgwlocks", "%2e%2e", "a%2fb"} {
		cfg.Bucket, cfg.Attempts = bucket, 1
		s, err := artifacts.New(cfg)
		if err != nil {
			continue
		}
		if err := s.EnsureBucket(t.Context()); err == nil {
			t.Errorf("bucket %q was made", bucket)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("beside the folder: %v, %v", entries, err)
	}
}

func TestAWSCommandLineWorks(t *testing.T) {
	aws, err := exec.LookPath("aws")
	if err != nil {
		t.Skip("no aws command: pip install awscli")
	}
	srv := artifactstest.Start(t, t.TempDir())
	cfg := srv.Config()
	s := artifactstest.Open(t, cfg)
	artifactstest.Put(t, s, "runs/r/1/fio.json", "application/json", "{}")
	work := t.TempDir()
	large := filepath.Join(work, "large")
	if err := os.WriteFile(large, bytes.Repeat([]byte("fiord"), 4<<20), 0o600); err != nil { // 20 MiB: multipart
		t.Fatal(err)
	}
	run := func(args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), aws, append([]string{"--endpoint-url", srv.Endpoint(), "s3"}, args...)...)
		cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID="+cfg.AccessKey, "AWS_SECRET_ACCESS_KEY="+cfg.SecretKey,
			"AWS_DEFAULT_REGION=us-east-1", "AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=/dev/null")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("aws s3 %v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	bucket := "s3://" + cfg.Bucket
	if out := run("ls", "--recursive", bucket); !strings.Contains(out, "runs/r/1/fio.json") {
		t.Errorf("ls prints %q", out)
	}
	if out := run("ls"); !strings.Contains(out, cfg.Bucket) {
		t.Errorf("ls of buckets prints %q", out)
	}
	run("cp", large, bucket+"/uploads/large")
	run("sync", bucket, filepath.Join(work, "copy"))
	got, err := os.ReadFile(filepath.Join(work, "copy", "uploads", "large"))
	if want, _ := os.ReadFile(large); err != nil || !bytes.Equal(got, want) {
		t.Errorf("what came back differs: %d bytes, %v", len(got), err)
	}
	run("rm", "--recursive", bucket+"/uploads/")
	if _, err := s.Stat(t.Context(), "uploads/large"); !errors.Is(err, artifacts.ErrNotFound) {
		t.Errorf("after rm: %v", err)
	}
}

// What is still under way when a server has waited long enough for it is cut off: on
// a connection that stays a client would be answered by a server without users and files.
func TestWhatOutlivesAServerIsCutOff(t *testing.T) {
	server, err := embedded.Start(t.Context(), embedded.Options{Dir: t.TempDir(), Bucket: "ended", AccessKey: "root", SecretKey: "root-secret"})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", strings.TrimPrefix(server.Endpoint(), "http://")) //nolint:noctx // of a test
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	say := func(text string) error { _, err := io.WriteString(conn, text); return err }
	if err := say("PUT /ended/key HTTP/1.1\r\nHost: s3\r\nContent-Length: 300000\r\n\r\n" + strings.Repeat("x", 1000)); err != nil {
		t.Fatal(err)
	}
	time.Sleep(500 * time.Millisecond) // most of the test is a wait anyway
	closed := make(chan error, 1)
	go func() { closed <- server.Close() }()
	began := time.Now()
	for {
		select {
		case err := <-closed:
			t.Logf("closed after %s", time.Since(began))
			if err != nil {
				t.Error(err)
			}
			if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
				t.Fatal(err)
			}
			_ = say(strings.Repeat("x", 300000)) // the rest, and what is no request
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				if errors.Is(err, os.ErrDeadlineExceeded) {
					t.Error("the connection outlives its server")
				}
				return
			}
			_ = resp.Body.Close()
			if !resp.Close {
				t.Errorf("a closed server answers %s and keeps the connection", resp.Status)
			}
			return
		case <-time.After(200 * time.Millisecond): // it goes on, slowly
			_ = say("x") // may be cut off
		}
	}
}
