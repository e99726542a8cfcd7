// Package connection is how the commands find a running fiord: in the file
// connection.yaml that `fiord up` leaves in its data folder, in a file of the
// same form written by hand, in FIORD_* variables, or in flags.
package connection

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats.go"
	"go.yaml.in/yaml/v4"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/access"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/proof"
	"github.com/fiord-bench/fiord/internal/service"
	"github.com/fiord-bench/fiord/internal/service/config"
)

// FileName of the connection in a data folder.
const FileName = "connection.yaml"

// Source of the events that people publish with the command.
const Source = "fiord/cli"

// Connection says where a fiord is and who we are to it.
type Connection struct {
	NATS      service.NATS `config:"nats"`
	S3        service.S3   `config:"s3"`
	WebURL    string       `config:"web_url" help:"address of the web page"`
	IngestURL string       `config:"ingest_url" help:"address of ingest, where webhooks and events over HTTP go"`
	AdminURL  string       `config:"admin_url" help:"address of health, readiness and metrics"`
	Advertise string       `config:"advertise" help:"name by which other machines reach this fiord, for bundles; empty where there is none"`
	Person    string       `config:"person" help:"name under which the person was let in; empty for the name on this machine"`
}

// Default finds a fiord with default ports on this host; its keys are missing.
func Default() Connection {
	common := service.DefaultCommon()
	return Connection{
		NATS: common.NATS, S3: common.S3,
		WebURL: "http://127.0.0.1:8000", IngestURL: "http://127.0.0.1:8080", AdminURL: "http://127.0.0.1:9090",
	}
}

// Trust makes NATS and S3 be trusted by the authority in a PEM file; "" for the
// system's.
func (c *Connection) Trust(caFile string) {
	if caFile != "" {
		c.NATS.CAFiles, c.S3.CAFile = []string{caFile}, caFile
	}
}

// ErrNone says that nothing tells where a fiord is.
var ErrNone = errors.New("no running fiord is known here")

// Find reads a connection. file is the one named by a flag or variable and
// must exist; without one, connection.yaml in the data folder is read if it is
// there, and otherwise the environment must say enough.
func Find(file, dataDir string, environ []string) (Connection, error) {
	c := Default()
	set, err := config.New([]config.Section{{Value: &c}}, service.Siblings()...)
	if err != nil {
		return c, err
	}
	found := file
	if found == "" {
		found = filepath.Join(dataDir, FileName)
		if _, err := os.Stat(found); errors.Is(err, fs.ErrNotExist) {
			found = ""
		}
	}
	if err := set.Load(config.Source{File: found, Environ: environ}); err != nil {
		return c, err
	}
	if found == "" && c.S3.AccessKey.IsZero() {
		return c, fmt.Errorf("%w: start one with fiord up, name its data folder with --data (looked in %s), or its connection file with --connection", ErrNone, dataDir)
	}
	return c, nil
}

// document is the form of connection.yaml: what Find reads, of which only the
// part that differs from the defaults is written.
type document struct {
	NATS struct {
		URL      string   `yaml:"url"`
		NKeyFile string   `yaml:"nkey_file"`
		CAFiles  []string `yaml:"ca_files,omitempty"`
		Inbox    string   `yaml:"inbox_prefix"`
	} `yaml:"nats"`
	S3 struct {
		Endpoint      string `yaml:"endpoint"`
		Bucket        string `yaml:"bucket"`
		AccessKeyFile string `yaml:"access_key_file"`
		SecretKeyFile string `yaml:"secret_key_file"`
		CAFile        string `yaml:"ca_file,omitempty"`
	} `yaml:"s3"`
	Advertise string `yaml:"advertise,omitempty"`
	Person    string `yaml:"person,omitempty"`
	WebURL    string `yaml:"web_url"`
	IngestURL string `yaml:"ingest_url"`
	AdminURL  string `yaml:"admin_url"`
}

// Write leaves the connection of a user in the data folder, whole or not at
// all, readable by the owner alone. The keys stay in their own files.
func Write(dataDir string, c Connection, nkeyFile, accessKeyFile, secretKeyFile string) error {
	var d document
	d.NATS.URL, d.NATS.NKeyFile, d.NATS.Inbox = c.NATS.URL, nkeyFile, c.NATS.InboxPrefix
	d.S3.Endpoint, d.S3.Bucket = c.S3.Endpoint, c.S3.Bucket
	d.S3.AccessKeyFile, d.S3.SecretKeyFile = accessKeyFile, secretKeyFile
	d.NATS.CAFiles, d.S3.CAFile, d.Advertise = c.NATS.CAFiles, c.S3.CAFile, c.Advertise
	d.Person = c.Person
	d.WebURL, d.IngestURL, d.AdminURL = c.WebURL, c.IngestURL, c.AdminURL
	text, err := yaml.Marshal(d)
	if err != nil {
		return fmt.Errorf("write connection: %w", err)
	}
	text = append([]byte("# Written by fiord up at each start: where it is, for the other commands.\n"), text...)
	name := filepath.Join(dataDir, FileName)
	if err := os.WriteFile(name+".new", text, 0o600); err != nil {
		return fmt.Errorf("write connection: %w", err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		return fmt.Errorf("write connection: %w", err)
	}
	return nil
}

// Client is an open connection.
type Client struct {
	Connection
	Bus   *bus.Bus
	Store *artifacts.Store
	// Verifier of who made events; nil for a user without a grant.
	Verifier *proof.Verifier
	nc       *nats.Conn
	forget   context.CancelFunc // ends the reading of what was taken back
}

// dialTimeout is how long a person waits for a fiord that does not answer.
const dialTimeout = 5 * time.Second

// Open connects as the command. Nobody answering within some seconds is an
// error, since a person is waiting. log, if not nil, tells of outages later on.
func Open(ctx context.Context, c Connection, log *slog.Logger) (*Client, error) {
	dial, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	to := c.NATS.Connection("fiord", log)
	to.DefaultInbox = access.InboxPrefix(events.People)
	nc, err := bus.Connect(dial, to)
	if err != nil {
		return nil, fmt.Errorf("%w: is fiord up running?", err)
	}
	client, err := newClient(c, nc, log)
	if err != nil {
		nc.Close()
		return nil, err
	}
	if err := client.followTakenBack(dial); err != nil {
		client.Close()
		return nil, err
	}
	return client, nil
}

// followTakenBack reads which grants were taken back, as services do: what a key
// signed that is believed no more must not be shown as if it had happened.
func (c *Client) followTakenBack(dial context.Context) error {
	read := make(chan error, 1)
	life, forget := context.WithCancel(context.Background())
	c.forget = forget
	go func() { read <- c.Bus.FollowTakenBack(life) }()
	select {
	case err := <-read:
		return err
	case <-dial.Done():
		return fmt.Errorf("bucket %s, which lists the grants that were taken back, does not answer: fiord provision makes it, and credentials of an earlier version may lack the right to read it", bus.BucketTakenBack)
	}
}

func newClient(c Connection, nc *nats.Conn, log *slog.Logger) (*Client, error) {
	guest, err := c.NATS.Connection("fiord", log).GuestName()
	if err != nil {
		return nil, err
	}
	proving, err := c.NATS.Proving()
	if err != nil {
		return nil, err
	}
	if proving.Signer != nil && c.Person == "" {
		c.Person = proving.Signer.Grant().Name
	}
	b, err := bus.New(proving.Prove(bus.Options{Conn: nc, Source: Source, Log: log, Guest: guest}))
	if err != nil {
		return nil, err
	}
	store, err := artifacts.New(c.S3.Artifacts())
	if err != nil {
		return nil, err
	}
	return &Client{Connection: c, Bus: b, Store: store, Verifier: proving.Verifier, nc: nc}, nil
}

// Close ends the connection.
func (c *Client) Close() {
	if c.forget != nil {
		c.forget()
	}
	c.Store.Close()
	c.nc.Close()
}
