package embedded

import (
	"errors"
	"fmt"
	"log/slog"
	"net"

	"github.com/fiord-bench/fiord/artifacts"
)

// Options describe one server.
type Options struct {
	// Dir holds the buckets, a folder each. It is made when missing, for the
	// owner alone, and must be on a file system with user extended attributes.
	Dir string
	// Addr is the host and port to listen on; 127.0.0.1:0 by default. Port 0
	// takes any free one.
	Addr string
	// CertFile and KeyFile are the server's certificate, read again when they
	// change; without them the connection is not encrypted. CAFile is the authority
	// by which this process trusts its own server.
	CertFile, KeyFile, CAFile string
	// Bucket is made at start.
	Bucket string
	// Region that clients sign for; us-east-1 by default.
	Region string
	// AccessKey and SecretKey are the root account's, which may do everything.
	AccessKey, SecretKey string
	// Users have the rights that each is given.
	Users []User
	// Log tells of the start and of failures; nothing when nil.
	Log *slog.Logger
}

// User is an account with limited rights in the bucket of [Options].
type User struct {
	AccessKey, SecretKey string
	// Rights in the bucket. What may be written may not be replaced, whatever the client
	// sends, unless Rights.Replace says so.
	Rights artifacts.Rights
}

// LogValue hides the secret.
func (u User) LogValue() slog.Value {
	return slog.GroupValue(slog.String("access_key", u.AccessKey), slog.Any("write", u.Rights.Write))
}

func (o Options) withDefaults() Options {
	if o.Addr == "" {
		o.Addr = "127.0.0.1:0"
	}
	if o.Region == "" {
		o.Region = "us-east-1"
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// Validate reports everything that is missing or contradictory.
func (o Options) Validate() error {
	var errs []error
	need := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	need(o.Dir != "", "dir is missing")
	need(o.Bucket != "", "bucket is missing")
	need((o.CertFile == "") == (o.KeyFile == ""), "cert_file and key_file belong together: set both or none")
	need(o.AccessKey != "" && o.SecretKey != "", "root credentials are missing")
	if o.Addr != "" {
		_, _, err := net.SplitHostPort(o.Addr)
		need(err == nil, "addr %q is not host:port", o.Addr)
	}
	seen := map[string]bool{o.AccessKey: true}
	for _, u := range o.Users {
		need(u.AccessKey != "" && u.SecretKey != "", "user %q has no credentials", u.AccessKey)
		need(!seen[u.AccessKey], "access key %q is used twice", u.AccessKey)
		seen[u.AccessKey] = true
		if err := u.Rights.Validate(); err != nil {
			errs = append(errs, fmt.Errorf("user %q: %w", u.AccessKey, err))
		}
	}
	return errors.Join(errs...)
}
