package service

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/service/admin"
	"github.com/fiord-bench/fiord/internal/service/config"
	"github.com/fiord-bench/fiord/internal/service/logging"
	"github.com/fiord-bench/fiord/internal/service/tracing"
)

// Names of fiord's services. Each is the name of a section in the
// configuration file, which all programs may share.
func Names() []string { return []string{"ingest", "inventory", "bench", "plot", "notify"} }

// Siblings are all top-level keys of the configuration file that fiord's
// programs share, so that each lets the others' through: the services, the
// all-in-one ("up"), what every service is told, and where the command finds a
// running fiord. The variables of the git hook and of scripts that react to
// events (FIORD_HOOK_…, FIORD_EVENT_…) belong to nobody's settings.
func Siblings() []string {
	return append(Names(), "up", "nats", "s3", "log", "admin", "trace", "data", "connection", "allow_plaintext", "advertise", "web_url", "ingest_url", "admin_url", "hook", "event")
}

// Common is what every service is told besides its own settings.
type Common struct {
	NATS  NATS           `config:"nats"`
	S3    S3             `config:"s3"`
	Log   logging.Config `config:"log"`
	Admin admin.Config   `config:"admin"`
	Trace tracing.Config `config:"trace"`

	AllowPlaintext bool `config:"allow_plaintext" help:"listen beyond loopback without TLS, where the network is fiord's own or a proxy brings TLS"`
}

// DefaultCommon finds NATS and S3 on this host.
func DefaultCommon() Common {
	topology := bus.DefaultTopology()
	return Common{
		NATS:  NATS{URL: "nats://127.0.0.1:4222", AckWait: 30 * time.Second, Provision: true, Replicas: topology.Replicas, MaxConsumers: topology.MaxConsumers},
		S3:    S3{Endpoint: "http://127.0.0.1:9000", Bucket: "fiord"},
		Log:   logging.DefaultConfig(),
		Admin: admin.DefaultConfig(),
		Trace: tracing.DefaultConfig(),
	}
}

// Validate reports every setting that cannot work.
func (c Common) Validate() error {
	return errors.Join(c.NATS.validate(), c.S3.validate(), c.Log.Validate(), within("admin", c.Admin.TLS.Validate()), c.Trace.Validate())
}

// within names the section that an error is of.
func within(section string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s.%w", section, err)
}

// NATS says how to reach the bus.
type NATS struct {
	URL          string        `config:"url" help:"servers, comma-separated"`
	NKeyFile     string        `config:"nkey_file" help:"file with the seed of this service's nkey"`
	NKeySeed     config.Secret `config:"nkey_seed" help:"that seed itself, where secrets come by the environment, instead of nkey_file"`
	Grant        config.Secret `config:"grant" help:"what this user proves its events by, as fiord creds writes it; without, the file nats.grant beside nkey_file"`
	Proof        string        `config:"proof" help:"required, when-present or off: what becomes of events that prove not who made them; empty for required where there is a grant"`
	ProofSince   string        `config:"proof_since" help:"events stored before this time need no signature; empty for when the installation's authority was made"`
	CredsFile    string        `config:"creds_file" help:"credentials file (JWT and nkey), instead of nkey_file"`
	CAFiles      []string      `config:"ca_files" help:"PEM files of authorities to trust"`
	CertFile     string        `config:"cert_file" help:"client certificate"`
	KeyFile      string        `config:"key_file" help:"key of the client certificate"`
	InboxPrefix  string        `config:"inbox_prefix" help:"prefix of reply subjects; empty for the one that follows from the user, as fiord grants it, or else NATS's own"`
	AckWait      time.Duration `config:"ack_wait" help:"after this long without a sign of life of whoever has it, an event is given to another replica"`
	Provision    bool          `config:"provision" help:"make streams and buckets at the start; otherwise wait until they are there"`
	Replicas     int           `config:"replicas" help:"replicas of each stream, when provisioning: 3 on a cluster"`
	MaxConsumers int           `config:"max_consumers" help:"most consumers of the event stream, when provisioning"`
}

func (n NATS) validate() error {
	var errs []error
	if n.URL == "" {
		errs = append(errs, errors.New("nats.url is empty: want nats://host:4222"))
	}
	if moreThanOne(n.NKeyFile != "", !n.NKeySeed.IsZero(), n.CredsFile != "") {
		errs = append(errs, errors.New("more than one of nats.nkey_file, nats.nkey_seed and nats.creds_file is set: choose one"))
	}
	if (n.CertFile == "") != (n.KeyFile == "") {
		errs = append(errs, errors.New("nats.cert_file and nats.key_file belong together: set both or none"))
	}
	if n.AckWait < time.Second {
		errs = append(errs, fmt.Errorf("nats.ack_wait is %s: less than a second would give events away under their workers' hands", n.AckWait))
	}
	if n.Replicas < 1 || n.Replicas > 5 {
		errs = append(errs, fmt.Errorf("nats.replicas is %d: want 1 to 5", n.Replicas))
	}
	return errors.Join(append(errs, n.validateProof())...)
}

func moreThanOne(set ...bool) bool {
	n := 0
	for _, s := range set {
		if s {
			n++
		}
	}
	return n > 1
}

// Connection is the bus's own form of the settings, under a name for the
// server's list of connections.
func (n NATS) Connection(name string, log *slog.Logger) bus.Connection {
	return bus.Connection{
		URL: n.URL, Name: name, NKeySeedFile: n.NKeyFile, NKeySeed: n.NKeySeed.Reveal(), CredentialsFile: n.CredsFile,
		RootCAs: n.CAFiles, CertFile: n.CertFile, KeyFile: n.KeyFile, InboxPrefix: n.InboxPrefix, Log: log,
	}
}

// topology is what provisioning makes.
func (n NATS) topology() bus.Topology {
	t := bus.DefaultTopology()
	t.Replicas, t.MaxConsumers = n.Replicas, n.MaxConsumers
	return t
}

// S3 says where artifacts are kept.
type S3 struct {
	Endpoint     string        `config:"endpoint" help:"URL of the server, or host:port"`
	Region       string        `config:"region" help:"region of the bucket; empty for us-east-1, or on Amazon for the bucket's own"`
	Bucket       string        `config:"bucket" help:"bucket that holds all artifacts; made when it is missing"`
	AccessKey    config.Secret `config:"access_key" help:"access key"`
	SecretKey    config.Secret `config:"secret_key" help:"secret key"`
	SessionToken config.Secret `config:"session_token" help:"session token of temporary credentials"`
	CAFile       string        `config:"ca_file" help:"PEM file of authorities to trust"`
	VirtualHost  bool          `config:"virtual_host" help:"put the bucket into the host name rather than the path"`
	SpoolDir     string        `config:"spool_dir" help:"folder for objects under way; empty for the system's"`
}

// Artifacts is the store's own form of the settings.
func (s S3) Artifacts() artifacts.Config {
	return artifacts.Config{
		Endpoint:     s.Endpoint,
		Region:       s.Region,
		Bucket:       s.Bucket,
		AccessKey:    s.AccessKey.Reveal(),
		SecretKey:    s.SecretKey.Reveal(),
		SessionToken: s.SessionToken.Reveal(),
		CAFile:       s.CAFile,
		VirtualHost:  s.VirtualHost,
		SpoolDir:     s.SpoolDir,
	}
}

func (s S3) validate() error {
	var errs []error
	if s.AccessKey.IsZero() || s.SecretKey.IsZero() {
		errs = append(errs, errors.New("s3.access_key and s3.secret_key are missing: "+
			"name files with s3.access_key_file and s3.secret_key_file, or set FIORD_S3_ACCESS_KEY and FIORD_S3_SECRET_KEY"))
		return errors.Join(errs...)
	}
	return s.Artifacts().Validate()
}
