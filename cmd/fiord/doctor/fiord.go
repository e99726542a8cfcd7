package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/cmd/fiord/connection"
	"github.com/fiord-bench/fiord/cmd/fiord/screen"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/registry"
	"github.com/fiord-bench/fiord/internal/service"
)

// Fiord examines what a connection leads to, and reports each finding. It returns
// the gravest state.
func Fiord(ctx context.Context, c connection.Connection, report func(Finding)) State {
	x := &examination{report: report, worst: OK, web: web(c)}
	x.admin(ctx, c.AdminURL)
	x.page(ctx, "page", c.WebURL)
	x.page(ctx, "ingest", c.IngestURL)
	client, err := connection.Open(ctx, c, nil)
	if err != nil {
		x.problem("NATS", natsRemedy(err, c.NATS.URL), fmt.Errorf("%s: %w", redacted(c.NATS.URL), err))
		x.store(ctx, c)
		for _, check := range []string{"services", "streams", "hosts", "dead letters"} {
			x.skip(check, "NATS does not answer")
		}
		return x.worst
	}
	defer client.Close()
	nc := client.Bus.Conn()
	x.ok("NATS", "%s at %s, as %s", nc.ConnectedServerVersion(), nc.ConnectedUrlRedacted(), who(client))
	x.clock(ctx, client)
	x.store(ctx, c)
	x.services(nc)
	x.streams(ctx, client)
	x.hosts(ctx, client)
	x.letters(ctx, client)
	return x.worst
}

func who(c *connection.Client) string {
	if c.Person != "" {
		return c.Person
	}
	return "a user without a name"
}

func redacted(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "an address that is no URL"
	}
	return u.Redacted()
}

// natsRemedy is what to do about a connection that fails.
func natsRemedy(err error, address string) string {
	text := err.Error()
	switch {
	case errors.Is(err, nats.ErrAuthorization), strings.Contains(text, "Authorization Violation"), strings.Contains(text, "authorization violation"):
		return "the server does not know this key, or it was revoked: ask for new credentials (fiord creds), and see nats.nkey_file"
	case strings.Contains(text, "x509"), strings.Contains(text, "tls:"), strings.Contains(text, "first record does not look like"):
		return "name the authority in nats.ca_files, and the server as its certificate does"
	case strings.Contains(text, "no such host"):
		return "the name in nats.url is not known to this machine"
	}
	return "start the server, or correct nats.url (" + redacted(address) + "); a firewall may be between"
}

// admin asks each program behind the address whether it is ready.
func (x *examination) admin(ctx context.Context, address string) {
	const check = "readiness"
	if address == "" {
		x.skip(check, "no admin_url is known")
		return
	}
	var report struct {
		Ready  bool              `json:"ready"`
		Checks map[string]string `json:"checks"`
		Notes  map[string]string `json:"notes"`
	}
	err := within(ctx, func(ctx context.Context) error {
		body, _, err := x.get(ctx, strings.TrimSuffix(address, "/")+"/readyz")
		if err != nil {
			return err
		}
		if err := json.Unmarshal(body, &report); err != nil {
			return fmt.Errorf("%s answers what is no report of readiness", address)
		}
		return nil
	})
	if err != nil {
		x.warn(check, "it listens on its own machine only, unless admin.listen says otherwise", "%v", err)
		return
	}
	ready := 0
	for _, name := range slices.Sorted(maps.Keys(report.Checks)) {
		if reason := report.Checks[name]; reason != "ok" {
			x.problem("ready: "+name, "", errors.New(reason))
		} else {
			ready++
		}
	}
	if report.Ready {
		x.ok(check, "all of %s hold", screen.Plural(ready, "condition"))
	}
	for _, name := range slices.Sorted(maps.Keys(report.Notes)) {
		x.warn("note: "+name, "", "%s", report.Notes[name])
	}
}

// page asks whether something answers at an address.
func (x *examination) page(ctx context.Context, check, address string) {
	if address == "" {
		x.skip(check, "no address is known")
		return
	}
	err := within(ctx, func(ctx context.Context) error {
		_, status, err := x.get(ctx, address)
		if err == nil && status >= http.StatusInternalServerError {
			err = fmt.Errorf("%s answers %d", address, status)
		}
		return err
	})
	if err != nil {
		x.warn(check, "is it running, and is this its address?", "%v", err)
		return
	}
	x.ok(check, "%s", address)
}

// web is a client that trusts the connection's authorities besides the system's.
func web(c connection.Connection) *http.Client {
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	for _, name := range append(slices.Clone(c.NATS.CAFiles), c.S3.CAFile) {
		if pem, err := os.ReadFile(name); err == nil { // the checks of NATS and S3 name what is wrong with it
			roots.AppendCertsFromPEM(pem)
		}
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// get reads the beginning of what is at an address.
func (x *examination) get(ctx context.Context, address string) ([]byte, int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, 0, err
	}
	resp, err := x.web.Do(req)
	if err != nil {
		return nil, 0, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	return body, resp.StatusCode, err
}

// clock compares this machine's clock with the server's.
func (x *examination) clock(ctx context.Context, client *connection.Client) {
	var off time.Duration
	err := within(ctx, func(ctx context.Context) error {
		before := time.Now()
		stream, err := client.Bus.JetStream().Stream(ctx, bus.StreamEvents)
		if err != nil {
			return err
		}
		ours := before.Add(time.Since(before) / 2)
		off = ours.Sub(stream.CachedInfo().TimeStamp)
		return nil
	})
	switch {
	case err != nil:
		x.problem("clock", "", fmt.Errorf("ask NATS for its time: %w", err))
	case off.Abs() > maxSkew:
		x.problem("clock", "synchronise the clocks, for example with chrony or systemd-timesyncd",
			fmt.Errorf("this machine is %s %s of the NATS server", off.Abs().Round(time.Millisecond), map[bool]string{true: "ahead", false: "behind"}[off > 0]))
	default:
		x.ok("clock", "within %s of the NATS server's", max(off.Abs().Round(time.Millisecond), time.Millisecond))
	}
}

// store asks S3 for an object that does not exist.
func (x *examination) store(ctx context.Context, c connection.Connection) {
	const check = "S3"
	where := fmt.Sprintf("bucket %s at %s", c.S3.Bucket, redacted(c.S3.Endpoint))
	store, err := artifacts.New(c.S3.Artifacts())
	if err != nil {
		x.problem(check, "see s3 in the connection file", err)
		return
	}
	defer store.Close()
	err = within(ctx, func(ctx context.Context) error {
		_, err := store.Stat(ctx, "runs/none")
		return err
	})
	switch {
	case errors.Is(err, artifacts.ErrNotFound):
		x.ok(check, "%s", where)
	case errors.Is(err, artifacts.ErrSkewed):
		x.problem(check, "synchronise the clocks", fmt.Errorf("%s: %w", where, err))
	case errors.Is(err, artifacts.ErrDenied):
		x.problem(check, "the key is unknown or may not read: see s3.access_key_file and s3.secret_key_file", fmt.Errorf("%s: %w", where, err))
	case err != nil:
		x.problem(check, "start the server, or correct s3.endpoint and s3.bucket", fmt.Errorf("%s: %w", where, err))
	}
}

// services asks which answer, and in which version.
func (x *examination) services(nc *nats.Conn) {
	const check = "services"
	list, err := service.Versions(nc)
	if err != nil {
		x.problem(check, "", err)
		return
	}
	var missing []string
	for _, name := range service.Names() {
		if !slices.ContainsFunc(list, func(r service.Registered) bool { return r.Name == "fiord-"+name }) {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		x.problem(check, "start them: fiord up runs all, and each has a program of its own", fmt.Errorf("no answer from %s", strings.Join(missing, ", ")))
	}
	var others []string
	for _, r := range list {
		if r.Version != service.Version() {
			others = append(others, r.Name+" "+r.Version)
		}
	}
	switch {
	case len(others) > 0:
		x.warn(check, "versions may differ during an upgrade and not for good", "this program is %s, and %s", service.Version(), strings.Join(others, ", "))
	case len(missing) == 0:
		x.ok(check, "all five answer, %s", service.Version())
	}
}

// streams looks whether everything is there that a bench needs.
func (x *examination) streams(ctx context.Context, client *connection.Client) {
	if err := within(ctx, client.Bus.Ready); err != nil {
		x.problem("streams", "fiord provision makes what is missing; fiord up does at each start", err)
		return
	}
	x.ok("streams", "those of events, progress and dead letters are there")
}

// hosts looks who could measure.
func (x *examination) hosts(ctx context.Context, client *connection.Client) {
	const check = "hosts"
	var alive, silent []string
	err := within(ctx, func(ctx context.Context) error {
		kv, err := client.Bus.KeyValue(ctx, bus.BucketHosts)
		if err != nil {
			return err
		}
		hosts, err := registry.Read(ctx, kv, registry.ViewConfig{})
		for _, h := range hosts {
			if h.Alive {
				alive = append(alive, screen.Clean(h.Name))
			} else {
				silent = append(silent, screen.Clean(h.Name))
			}
		}
		return err
	})
	switch {
	case err != nil:
		x.problem(check, "", err)
		return
	case len(alive) == 0:
		x.problem(check, "start bench on a host: fiord creds bench NAME lets one in", errors.New("none is alive, so nothing can be measured"))
	default:
		x.ok(check, "%s alive", screen.Plural(len(alive), "host"))
	}
	if len(silent) > 0 {
		x.warn(check, "look at the bench service there, its clock and its way to NATS", "silent: %s", strings.Join(silent[:min(len(silent), 10)], ", "))
	}
}

// letters counts what was given up on.
func (x *examination) letters(ctx context.Context, client *connection.Client) {
	const check = "dead letters"
	count := map[string]int{}
	err := within(ctx, func(ctx context.Context) error {
		for letter, err := range client.Bus.DeadLetters(ctx, "") {
			if err != nil {
				return err
			}
			count[letter.Reaction]++
		}
		return nil
	})
	if err != nil {
		x.skip(check, "%v", err)
		return
	}
	if len(count) == 0 {
		x.ok(check, "none")
		return
	}
	var parts []string
	for _, reaction := range slices.Sorted(maps.Keys(count)) {
		parts = append(parts, fmt.Sprintf("%d of %s", count[reaction], screen.Clean(reaction)))
	}
	x.warn(check, "fiord dead ls says why; fiord dead redrive gives them back", "%s", strings.Join(parts, ", "))
}
