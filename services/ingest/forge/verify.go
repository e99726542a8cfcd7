package forge

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strings"
)

// Key is a secret that a forge may sign with.
type Key struct {
	// ID names the key in logs and in the policy.
	ID string
	// Secret is what the forge was given. Never empty: an empty key would let
	// anybody sign.
	Secret []byte
}

// LogValue shows the key's name alone.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.ID) }

// hexDigest decodes a hexadecimal SHA-256 after an obligatory prefix.
func hexDigest(header, value, prefix string) ([]byte, error) {
	if value == "" || value == prefix {
		return nil, fmt.Errorf("%w: header %s is missing or empty: set a secret in the forge's webhook settings", ErrUnsigned, header)
	}
	digits, ok := strings.CutPrefix(value, prefix)
	if !ok {
		return nil, fmt.Errorf("%w: header %s does not start with %q", ErrSignature, header, prefix)
	}
	sum, err := hex.DecodeString(digits)
	if err != nil || len(sum) != sha256.Size {
		return nil, fmt.Errorf("%w: header %s is no SHA-256 in hexadecimal", ErrSignature, header)
	}
	return sum, nil
}

// matchMAC finds the key whose HMAC-SHA256 over the parts is sum. It tries all
// of them whatever it finds, so that time tells nothing about which matched.
func matchMAC(keys []Key, sum []byte, parts ...[]byte) (Key, error) {
	return match(keys, func(k Key) int {
		mac := hmac.New(sha256.New, k.Secret)
		for _, p := range parts {
			mac.Write(p)
		}
		return subtle.ConstantTimeCompare(mac.Sum(nil), sum)
	})
}

// matchToken finds the key that a plain token equals. Both sides are hashed
// first, so that not even the length shows.
func matchToken(keys []Key, token string) (Key, error) {
	got := sha256.Sum256([]byte(token))
	return match(keys, func(k Key) int {
		want := sha256.Sum256(k.Secret)
		return subtle.ConstantTimeCompare(want[:], got[:])
	})
}

func match(keys []Key, equal func(Key) int) (Key, error) {
	found := -1
	for i, k := range keys {
		if len(k.Secret) == 0 {
			continue
		}
		found = subtle.ConstantTimeSelect(equal(k), i, found)
	}
	if found < 0 {
		return Key{}, fmt.Errorf("%w: none of the %d keys of ingest made it: give the sender the secret of one of them", ErrSignature, len(keys))
	}
	return keys[found], nil
}
