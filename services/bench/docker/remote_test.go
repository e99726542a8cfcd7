package docker

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/host/runner"
	"github.com/fiord-bench/fiord/host/runner/runnertest"
)

// certificates writes an authority and one certificate for both ends, as an
// engine's operator would.
func certificates(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "127.0.0.1"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage:    x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		"ca.pem": {Type: "CERTIFICATE", Bytes: cert}, "cert.pem": {Type: "CERTIFICATE", Bytes: cert}, "key.pem": {Type: "EC PRIVATE KEY", Bytes: private},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// overTLS puts the local engine behind a TLS port that asks for certificates.
func overTLS(t *testing.T, dir string) string {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	ca, err := os.ReadFile(filepath.Join(dir, "ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		Certificates: []tls.Certificate{pair}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS12,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go forward(c)
		}
	}()
	return "tcp://" + l.Addr().String()
}

func forward(c net.Conn) {
	defer func() { _ = c.Close() }()
	engine, err := net.Dial("unix", strings.TrimPrefix(DefaultAddress, "unix://"))
	if err != nil {
		return
	}
	defer func() { _ = engine.Close() }()
	go func() { _, _ = io.Copy(engine, c); _ = engine.(*net.UnixConn).CloseWrite() }()
	_, _ = io.Copy(c, engine)
}

// overSSH has a client named ssh that runs what it is told on this host.
func overSSH(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("docker"); err != nil {
		t.Skipf("%v: the other end of ssh:// is `docker system dial-stdio`", err)
	}
	dir := t.TempDir()
	// Like ssh it joins what follows the host and gives it to a shell: the
	// command may come as one argument or as several.
	script := "#!/bin/sh\nwhile [ $# -gt 0 ] && [ \"$1\" != -- ]; do shift; done\nshift 2\nexec sh -c \"$*\"\n"
	if err := os.WriteFile(filepath.Join(dir, "ssh"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	return "ssh://somebody@remote"
}

func TestARemoteEngineMeasuresVolumes(t *testing.T) {
	newEngine(t, Config{}) // skips without an engine
	certs := certificates(t)
	for name, cfg := range map[string]Config{
		"tls": {Address: overTLS(t, certs), CertDir: certs},
		"ssh": {Address: overSSH(t)},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEngine(t, cfg)
			if !e.Remote() {
				t.Fatal("the engine counts as local")
			}
			inv := runnertest.Job(t, "remote", "[a]\nrw=write\nsize=64k\nfilename=x\nwrite_bw_log=${LOGS}/fio\n")
			inv.Env = []string{"LOGS=" + filepath.Join(inv.Dir, runner.LogDir)}
			inv.Mounts, inv.WorkDir = nil, "/data"
			inv.Volumes = []runner.Volume{{Name: "fiord-test-" + runnertest.Host(t), Driver: "local", Target: "/data"}}
			t.Cleanup(func() { _ = e.api.VolumeRemove(context.Background(), inv.Volumes[0].Name, true) })
			if exit := runnertest.Wait(t.Context(), t, runnertest.Start(t, e, inv)); !exit.OK() {
				t.Fatalf("exit %+v: %s", exit, runnertest.Read(t, inv, runner.StderrFile))
			}
			runnertest.Report(t, inv)
			runnertest.Read(t, inv, "logs/fio_bw.1.log")
			nobody(t, e)

			inv.Mounts = []runner.Mount{{Path: "/srv"}}
			if _, err := e.Start(t.Context(), inv); !errors.Is(err, runner.ErrUnsupported) || !strings.Contains(err.Error(), "/srv") {
				t.Errorf("a directory of the other host: %v", err)
			}
		})
	}
}

func TestACertificateOfAnotherAuthorityIsRefused(t *testing.T) {
	e, err := New(Config{Address: overTLS(t, certificates(t)), CertDir: certificates(t), Image: testImage()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = e.Close() }()
	if err := e.Ping(t.Context()); err == nil {
		t.Fatal("the engine was reached")
	}
}
