package authority

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
)

// readPair reads a certificate and the key that belongs to it.
func readPair(certFile, keyFile string) (*x509.Certificate, crypto.Signer, error) {
	rawCert, err := readPEM(certFile, "CERTIFICATE")
	if err != nil {
		return nil, nil, err
	}
	cert, err := x509.ParseCertificate(rawCert)
	if err != nil {
		return nil, nil, fmt.Errorf("read certificate %s: %w", certFile, err)
	}
	rawKey, err := readPEM(keyFile, "PRIVATE KEY")
	if err != nil {
		return nil, nil, err
	}
	parsed, err := x509.ParsePKCS8PrivateKey(rawKey)
	if err != nil {
		return nil, nil, fmt.Errorf("read key %s: %w", keyFile, err)
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if public, isECDSA := cert.PublicKey.(*ecdsa.PublicKey); !ok || !isECDSA || !key.PublicKey.Equal(public) {
		return nil, nil, fmt.Errorf("read key %s: it is not that of %s", keyFile, certFile)
	}
	return cert, key, nil
}

func readPEM(file, kind string) ([]byte, error) {
	text, err := os.ReadFile(file) //nolint:gosec // a file of the data folder
	if err != nil {
		return nil, fmt.Errorf("read certificate or key: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != kind {
		return nil, fmt.Errorf("read %s: it holds no PEM block %q", file, kind)
	}
	return block.Bytes, nil
}

func writeKey(file string, key crypto.PrivateKey) error {
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("write key: %w", err)
	}
	return write(file, "PRIVATE KEY", raw)
}

func writeCert(file string, raw []byte) error { return write(file, "CERTIFICATE", raw) }

// write makes the file whole or not at all, for its owner alone.
func write(file, kind string, raw []byte) error {
	if err := os.WriteFile(file+".new", pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: raw}), 0o600); err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	return nil
}
