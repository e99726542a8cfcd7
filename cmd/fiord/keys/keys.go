// Package keys makes and keeps the credentials of a fiord that runs on one
// machine. Each user has a folder with one secret per file, readable by the
// owner alone:
//
//	<dir>/<user>/nats.nk         seed of the NATS user (nkey)
//	<dir>/<user>/s3.access_key   access key of the S3 user
//	<dir>/<user>/s3.secret_key   its secret key
//
// The files are in the form that every fiord program takes (nats.nkey_file,
// s3.access_key_file, s3.secret_key_file), and the nats command as well.
package keys

import (
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/nats-io/nkeys"

	"github.com/fiord-bench/fiord/internal/service/config"
)

// User is one identity on NATS and S3.
type User struct {
	Name string
	// NKey is the public key of the NATS user, NKeyFile the file of its seed.
	NKey      string
	NKeyFile  string
	GrantFile string // what the user proves its events by; there once it was issued
	// AccessKey and SecretKey sign S3 requests; they are in the files too.
	AccessKey     string
	SecretKey     config.Secret
	AccessKeyFile string
	SecretKeyFile string
}

const (
	dirMode  = 0o700
	fileMode = 0o600
)

// Open returns the user's credentials below dir and makes those that are
// missing. Files that others may read are refused.
func Open(dir, name string) (User, error) {
	folder := filepath.Join(dir, name)
	if err := os.MkdirAll(folder, dirMode); err != nil {
		return User{}, fmt.Errorf("open credentials: %w", err)
	}
	u := User{
		Name:          name,
		NKeyFile:      filepath.Join(folder, "nats.nk"),
		GrantFile:     filepath.Join(folder, "nats.grant"),
		AccessKeyFile: filepath.Join(folder, "s3.access_key"),
		SecretKeyFile: filepath.Join(folder, "s3.secret_key"),
	}
	seed, err := secret(u.NKeyFile, newSeed)
	if err != nil {
		return User{}, err
	}
	if u.NKey, err = publicKey(u.NKeyFile, seed); err != nil {
		return User{}, err
	}
	if u.AccessKey, err = secret(u.AccessKeyFile, func() (string, error) { return "fiord-" + name, nil }); err != nil {
		return User{}, err
	}
	plain, err := secret(u.SecretKeyFile, Random)
	if err != nil {
		return User{}, err
	}
	u.SecretKey = config.NewSecret(plain)
	return u, nil
}

// Secret returns the secret of the user's folder called file, and makes a
// random one when it is missing. It returns the file's path as well.
func Secret(dir, name, file string) (path, value string, err error) {
	folder := filepath.Join(dir, name)
	if err := os.MkdirAll(folder, dirMode); err != nil {
		return "", "", fmt.Errorf("open credentials: %w", err)
	}
	path = filepath.Join(folder, file)
	value, err = secret(path, Random)
	return path, value, err
}

// Fixed returns what the file of the user's folder holds, and writes what fresh makes
// when it is missing.
func Fixed(dir, name, file string, fresh func() (string, error)) (string, error) {
	folder := filepath.Join(dir, name)
	if err := os.MkdirAll(folder, dirMode); err != nil {
		return "", fmt.Errorf("open credentials: %w", err)
	}
	return secret(filepath.Join(folder, file), fresh)
}

// Random is a secret of 160 bits in letters and digits.
func Random() (string, error) {
	raw := make([]byte, 20)
	if _, err := rand.Read(raw); err != nil {
		return "", fmt.Errorf("make secret: %w", err)
	}
	return strings.ToLower(base32.StdEncoding.EncodeToString(raw)), nil
}

// secret reads the file at path; if it is missing, it writes what fresh makes.
func secret(path string, fresh func() (string, error)) (string, error) {
	text, err := read(path)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return text, err
	}
	value, err := fresh()
	if err != nil {
		return "", err
	}
	return value, write(path, value)
}

func read(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("read credentials: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return "", fmt.Errorf("read credentials: others may read %s: chmod 600 it, and replace the secret if others had access", path)
	}
	text, err := os.ReadFile(path) //nolint:gosec // a file of the data folder
	if err != nil {
		return "", fmt.Errorf("read credentials: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// write makes the file whole or not at all: half a seed would be a puzzle.
func write(path, value string) error {
	temporary := path + ".new"
	if err := os.WriteFile(temporary, []byte(value+"\n"), fileMode); err != nil {
		return fmt.Errorf("write credentials: %w", err)
	}
	if err := os.Rename(temporary, path); err != nil {
		return fmt.Errorf("write credentials: %w", err)
	}
	return nil
}

func newSeed() (string, error) {
	user, err := nkeys.CreateUser()
	if err != nil {
		return "", fmt.Errorf("make nkey: %w", err)
	}
	defer user.Wipe()
	seed, err := user.Seed()
	return string(seed), err
}

func publicKey(path, seed string) (string, error) {
	user, err := nkeys.FromSeed([]byte(seed))
	if err != nil {
		return "", fmt.Errorf("read nkey seed %s: %w", path, err)
	}
	defer user.Wipe()
	return user.PublicKey()
}
