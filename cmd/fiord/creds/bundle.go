package creds

import (
	"encoding/pem"
	"fmt"
	"os"
	"path"
	"path/filepath"

	"go.yaml.in/yaml/v4"
)

// BundleFile is the settings file of a bundle.
const BundleFile = "fiord.yaml"

// Servers are where NATS and S3 are, as the other machine reaches them.
type Servers struct {
	NATS, S3, Bucket, WebURL, IngestURL string
	// CAFile is the authority by which they are trusted; "" for the system's.
	CAFile string
}

// bundleCA is the file of the authority in a bundle.
const bundleCA = "ca.pem"

// bundle is what a program on the other machine is told.
type bundle struct {
	NATS struct {
		URL       string   `yaml:"url"`
		NKeyFile  string   `yaml:"nkey_file"`
		CAFiles   []string `yaml:"ca_files,omitempty"`
		Inbox     string   `yaml:"inbox_prefix"`
		Provision bool     `yaml:"provision"`
	} `yaml:"nats"`
	S3 struct {
		Endpoint      string `yaml:"endpoint"`
		Bucket        string `yaml:"bucket"`
		AccessKeyFile string `yaml:"access_key_file"`
		SecretKeyFile string `yaml:"secret_key_file"`
		CAFile        string `yaml:"ca_file,omitempty"`
	} `yaml:"s3"`
	Bench     *worker `yaml:"bench,omitempty"`
	Person    string  `yaml:"person,omitempty"`
	WebURL    string  `yaml:"web_url,omitempty"`
	IngestURL string  `yaml:"ingest_url,omitempty"`
}

type worker struct {
	Host  string   `yaml:"host"`
	Pools []string `yaml:"pools"`
}

// Bundle writes into the folder out what the other machine needs: the user's
// keys, and fiord.yaml, which names them below the folder at, where they will
// lie on that machine. Everything is for its owner's eyes alone.
func Bundle(out, at string, i Issued, s Servers) error {
	if err := os.MkdirAll(out, 0o700); err != nil {
		return fmt.Errorf("write bundle: %w", err)
	}
	files := map[string]string{"nats.nk": i.Keys.NKeyFile, "nats.grant": i.Keys.GrantFile, "s3.access_key": i.Keys.AccessKeyFile, "s3.secret_key": i.Keys.SecretKeyFile}
	if i.Kind == Person {
		files[PageToken] = pageTokenFile(i)
	}
	for name, file := range files {
		text, err := os.ReadFile(file) //nolint:gosec // a file of the data folder
		if err != nil {
			return fmt.Errorf("write bundle: %w", err)
		}
		if err := replace(filepath.Join(out, name), text); err != nil {
			return err
		}
	}
	var b bundle
	b.NATS.URL, b.NATS.NKeyFile, b.NATS.Inbox = s.NATS, path.Join(at, "nats.nk"), i.InboxPrefix()
	b.S3.Endpoint, b.S3.Bucket = s.S3, s.Bucket
	b.S3.AccessKeyFile, b.S3.SecretKeyFile = path.Join(at, "s3.access_key"), path.Join(at, "s3.secret_key")
	if s.CAFile != "" {
		if err := copyCA(out, s.CAFile); err != nil {
			return err
		}
		ca := path.Join(at, bundleCA)
		b.NATS.CAFiles, b.S3.CAFile = []string{ca}, ca
	}
	if i.Kind == Bench {
		b.Bench = &worker{i.Name, append([]string{}, i.Pools...)}
	} else {
		b.WebURL, b.IngestURL = s.WebURL, s.IngestURL
		if i.Kind == Person {
			b.Person = i.Name
		}
	}
	text, err := yaml.Marshal(b)
	if err != nil {
		return fmt.Errorf("write bundle: %w", err)
	}
	return replace(filepath.Join(out, BundleFile), text)
}

// copyCA writes the certificates of an authority, and nothing else that its file may
// hold, into the bundle.
func copyCA(out, file string) error {
	text, err := os.ReadFile(file) //nolint:gosec // named by the person
	if err != nil {
		return fmt.Errorf("write bundle: read authority: %w", err)
	}
	var certificates []byte
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" {
			certificates = append(certificates, pem.EncodeToMemory(block)...)
		}
	}
	if len(certificates) == 0 {
		return fmt.Errorf("write bundle: authority %s holds no PEM certificate", file)
	}
	return replace(filepath.Join(out, bundleCA), certificates)
}
