package deploy_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/artifacts/artifactstest"
	"github.com/fiord-bench/fiord/artifacts/embedded"
	"github.com/fiord-bench/fiord/cmd/fiord/creds"
	"github.com/fiord-bench/fiord/internal/listen/listentest"
)

// nats starts a server with a configuration of deploy/nats and with users, as
// they are; only its addresses are moved to free ports of this machine.
func nats(t *testing.T, file, users, seed string, variables map[string]string, move func(*server.Options)) *server.Server {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, file), string(read(t, filepath.Join(folder, "nats", file))))
	write(t, filepath.Join(dir, "users.conf"), string(read(t, users)))
	if seed != "" {
		write(t, filepath.Join(dir, "seed.conf"), string(read(t, seed)))
	}
	for name, value := range variables {
		t.Setenv(name, value)
	}
	opts, err := server.ProcessConfigFile(filepath.Join(dir, file))
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	opts.Host, opts.Port, opts.NoSigs = "127.0.0.1", server.RANDOM_PORT, true
	opts.HTTPHost, opts.HTTPPort = "127.0.0.1", server.RANDOM_PORT
	// A test that ends need not be waited for by anybody.
	opts.LameDuckDuration, opts.LameDuckGracePeriod = 0, 0
	move(opts)
	s, err := server.NewServer(opts)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	s.SetLoggerV2(serverLog{t, opts.ServerName}, false, false, false)
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(20 * time.Second) {
		t.Fatalf("%s: server %s is not ready", file, opts.ServerName)
	}
	return s
}

// serverLog shows what a server warns of. It may outlive nothing: servers are
// shut down before their test ends.
type serverLog struct {
	t    *testing.T
	name string
}

func (l serverLog) line(format string, v []any) { l.t.Logf(l.name+": "+format, v...) }

func (l serverLog) Noticef(string, ...any)         {}
func (l serverLog) Debugf(string, ...any)          {}
func (l serverLog) Tracef(string, ...any)          {}
func (l serverLog) Warnf(string, ...any)           {} // of routes and leaders that are not there yet
func (l serverLog) Errorf(format string, v ...any) { l.line(format, v) }
func (l serverLog) Fatalf(format string, v ...any) { l.line(format, v) }

// cluster starts three servers with the users of an export.
func cluster(t *testing.T, users string, tls certificates) []*server.Server {
	t.Helper()
	ports := freePorts(t, 3)
	var routes []string
	for _, port := range ports {
		routes = append(routes, fmt.Sprintf("nats://127.0.0.1:%d", port))
	}
	var all []*server.Server
	for i := range 3 {
		all = append(all, nats(t, "cluster.conf", users, "", map[string]string{
			"NATS_NAME": fmt.Sprintf("nats-%d", i), "NATS_STORE": t.TempDir(), "NATS_ROUTES": "[" + strings.Join(routes, ", ") + "]",
			"NATS_CERT": tls.cert, "NATS_KEY": tls.key, "NATS_CA": tls.ca,
		}, func(o *server.Options) {
			o.Cluster.Host, o.Cluster.Port = "127.0.0.1", ports[i]
			o.LeafNode.Host, o.LeafNode.Port = "127.0.0.1", server.RANDOM_PORT
		}))
	}
	eventually(t, "leader of the cluster", func() bool {
		for _, s := range all {
			if s.JetStreamIsLeader() {
				return true
			}
		}
		return false
	})
	return all
}

// leaf starts a site's server with its own users, and waits for the hub.
func leaf(t *testing.T, name, users, seed string, tls certificates, hub []*server.Server) *server.Server {
	t.Helper()
	var urls []string
	for _, s := range hub {
		urls = append(urls, fmt.Sprintf("tls://127.0.0.1:%d", leafPort(t, s)))
	}
	l := nats(t, "leaf.conf", users, seed, map[string]string{
		"NATS_NAME": name, "NATS_HUB": "[" + strings.Join(urls, ", ") + "]",
		"NATS_CERT": tls.cert, "NATS_KEY": tls.key, "NATS_CA": tls.ca,
	}, func(*server.Options) {})
	eventually(t, "leaf connection", func() bool { return l.NumLeafNodes() == 1 })
	return l
}

// leafPort is where a server takes leaf nodes.
func leafPort(t *testing.T, s *server.Server) int {
	t.Helper()
	v, err := s.Varz(nil)
	if err != nil {
		t.Fatal(err)
	}
	return v.LeafNode.Port
}

func freePorts(t *testing.T, n int) []int {
	t.Helper()
	var ports []int
	for range n {
		ports = append(ports, listentest.Port(t))
	}
	return ports
}

// store serves S3 to the users of an export, each with the rights that its
// policy for IAM says.
func store(t *testing.T, export string) (endpoint string) {
	t.Helper()
	srv := serveS3(t, storeOptions(t, export))
	t.Cleanup(func() { _ = srv.Close() })
	return srv.Endpoint()
}

func serveS3(t *testing.T, o embedded.Options) *embedded.Server {
	t.Helper()
	srv, err := embedded.Start(context.WithoutCancel(t.Context()), o)
	if err != nil {
		t.Fatal(err)
	}
	return srv
}

// storeOptions are a store's with the users of an export.
func storeOptions(t *testing.T, export string) embedded.Options {
	t.Helper()
	var accounts struct {
		All map[string]struct{ Access, Secret string } `json:"accessAccounts"`
	}
	if err := json.Unmarshal(read(t, filepath.Join(export, creds.ExportAccounts)), &accounts); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(export, creds.ExportPolicies, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	var users []embedded.User
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		account, ok := accounts.All["fiord-"+name]
		if ok {
			users = append(users, embedded.User{AccessKey: account.Access, SecretKey: account.Secret, Rights: artifacts.Rights{
				Read: policyPrefixes(t, file, artifactstest.Bucket, "s3:GetObject"), Write: policyPrefixes(t, file, artifactstest.Bucket, "s3:PutObject"),
				Replace: policyPrefixes(t, file, artifactstest.Bucket, "s3:PutObject"),
			}})
		}
	}
	if len(users) < 5 {
		t.Fatalf("the export has %d users", len(users))
	}
	operator := filepath.Join(export, creds.ExportUsers, "operator")
	key := func(file string) string { return strings.TrimSpace(string(read(t, filepath.Join(operator, file)))) }
	return embedded.Options{
		Dir: t.TempDir(), Bucket: artifactstest.Bucket, AccessKey: key("s3.access_key"), SecretKey: key("s3.secret_key"), Users: users,
	}
}

// policyPrefixes are those below which a policy allows the action.
func policyPrefixes(t *testing.T, file, bucket, action string) (list []string) {
	t.Helper()
	var policy struct {
		Statement []struct {
			Effect           string
			Action, Resource []string
		}
	}
	if err := json.Unmarshal(read(t, file), &policy); err != nil {
		t.Fatal(err)
	}
	for _, s := range policy.Statement {
		if s.Effect != "Allow" || len(s.Action) == 0 || s.Action[0] != action {
			continue
		}
		for _, r := range s.Resource {
			list = append(list, strings.TrimSuffix(strings.TrimPrefix(r, "arn:aws:s3:::"+bucket+"/"), "*"))
		}
	}
	return list
}

// environment is how a program is pointed to its keys and servers.
func environment(export, user, natsURL, s3 string, more ...string) []string {
	keys := filepath.Join(export, creds.ExportUsers, user)
	return append([]string{
		"FIORD_NATS_URL=" + natsURL, "FIORD_NATS_NKEY_FILE=" + filepath.Join(keys, "nats.nk"), "FIORD_NATS_PROVISION=false",
		"FIORD_S3_ENDPOINT=" + s3, "FIORD_S3_BUCKET=" + artifactstest.Bucket,
		"FIORD_S3_ACCESS_KEY_FILE=" + filepath.Join(keys, "s3.access_key"), "FIORD_S3_SECRET_KEY_FILE=" + filepath.Join(keys, "s3.secret_key"),
		"FIORD_ADMIN_LISTEN=127.0.0.1:0", "FIORD_LOG_FORMAT=text", "TMPDIR=" + os.TempDir(),
	}, more...)
}
