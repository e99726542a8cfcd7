// Package authority is the certificate authority of a fiord that makes its own: one
// key in the data folder, and server certificates from it that are short-lived and
// made anew in time. Clients are given the authority's certificate (ca.pem) with
// their bundle.
package authority

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Files of an authority and of its own server, in the authority's folder.
const (
	CAFile     = "ca.pem"
	caKeyFile  = "ca.key"
	ServerCert = "server.pem"
	ServerKey  = "server.key"
)

const (
	caLife     = 10 * 365 * 24 * time.Hour
	serverLife = 90 * 24 * time.Hour
	// renewBefore is what a certificate has left when it is made anew.
	renewBefore = serverLife / 3
	// backdate forgives a client whose clock is behind.
	backdate = time.Hour
)

// Authority signs certificates of servers.
type Authority struct {
	dir  string
	cert *x509.Certificate
	key  crypto.Signer
}

// Open reads the authority in dir, or makes it when there is none. A key that
// others may read is refused.
func Open(dir string) (*Authority, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open authority: %w", err)
	}
	a := &Authority{dir: dir}
	err := a.read()
	if errors.Is(err, fs.ErrNotExist) {
		return a, a.create(time.Now())
	}
	return a, err
}

// CA is the file of the certificate that clients trust.
func (a *Authority) CA() string { return filepath.Join(a.dir, CAFile) }

func (a *Authority) read() (err error) {
	keyFile := filepath.Join(a.dir, caKeyFile)
	info, err := os.Stat(keyFile)
	if err != nil {
		return fmt.Errorf("read authority: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("read authority: others may read %s: chmod 600 it, and if others had access remove %s: a new authority is made, and bundles must be made again", keyFile, a.dir)
	}
	a.cert, a.key, err = readPair(a.CA(), keyFile)
	return err
}

func (a *Authority) create(now time.Time) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("make authority: %w", err)
	}
	serial, err := newSerial()
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "fiord " + hex.EncodeToString(serial.Bytes()[:4])},
		NotBefore: now.Add(-backdate), NotAfter: now.Add(caLife), IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return fmt.Errorf("make authority: %w", err)
	}
	if a.cert, err = x509.ParseCertificate(raw); err != nil {
		return fmt.Errorf("make authority: %w", err)
	}
	a.key = key
	// The key first: with a certificate alone nothing could be signed.
	return errors.Join(writeKey(filepath.Join(a.dir, caKeyFile), key), writeCert(a.CA(), raw))
}

// Server makes the certificate and key of a server at the names (host names and
// addresses) in two files, unless there is one that is good for them all for a
// while. made says whether it was written.
func (a *Authority) Server(certFile, keyFile string, names []string) (made bool, err error) {
	return a.server(certFile, keyFile, names, time.Now())
}

func (a *Authority) server(certFile, keyFile string, names []string, now time.Time) (made bool, err error) {
	if len(names) == 0 {
		return false, errors.New("make certificate: no name or address of the server is given")
	}
	if a.current(certFile, keyFile, names, now) {
		return false, nil
	}
	if a.cert.NotAfter.Before(now.Add(renewBefore)) {
		return false, fmt.Errorf("make certificate: the authority ends on %s: remove %s, start again, and make every bundle again", a.cert.NotAfter.Format(time.DateOnly), a.dir)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return false, fmt.Errorf("make certificate: %w", err)
	}
	serial, err := newSerial()
	if err != nil {
		return false, err
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: names[0]}, NotBefore: now.Add(-backdate), NotAfter: now.Add(serverLife),
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		return false, fmt.Errorf("make certificate: %w", err)
	}
	return true, errors.Join(writeKey(keyFile, key), writeCert(certFile, raw))
}

// current says whether the pair in the files may be used as it is.
func (a *Authority) current(certFile, keyFile string, names []string, now time.Time) bool {
	cert, _, err := readPair(certFile, keyFile)
	if err != nil || cert.CheckSignatureFrom(a.cert) != nil || cert.NotAfter.Before(now.Add(renewBefore)) {
		return false
	}
	return !slices.ContainsFunc(names, func(name string) bool { return cert.VerifyHostname(name) != nil })
}

// newSerial is a random number of 128 bits, which never begins with a zero byte.
func newSerial() (*big.Int, error) {
	raw := make([]byte, 16)
	if _, err := rand.Read(raw); err != nil {
		return nil, fmt.Errorf("make serial number: %w", err)
	}
	raw[0] = raw[0]&0x7f | 0x40
	return new(big.Int).SetBytes(raw), nil
}
