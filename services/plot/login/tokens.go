package login

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/fiord-bench/fiord/internal/access"
)

// Token is one by which a person signs in. The file holds its digest: who reads it
// can sign in as nobody.
type Token struct {
	Name   string      `yaml:"name"`
	Role   access.Role `yaml:"role"`
	SHA256 string      `yaml:"sha256"` // of the token, in hexadecimal digits
}

// Digest is the form in which a token is kept.
func Digest(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// WriteTokens is the text of a file of tokens.
func WriteTokens(all []Token) ([]byte, error) {
	text, err := yaml.Marshal(tokensFile{all})
	if err != nil {
		return nil, fmt.Errorf("write tokens: %w", err)
	}
	return append([]byte("# People who may sign in to the page, with digests of their tokens.\n"), text...), nil
}

type tokensFile struct {
	Tokens []Token `yaml:"tokens"`
}

func readTokens(file string) (map[string]Token, error) {
	text, err := os.ReadFile(file) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, fmt.Errorf("read tokens: %w", err)
	}
	var f tokensFile
	if err := yaml.Unmarshal(text, &f); err != nil {
		return nil, fmt.Errorf("read tokens %s: %w", file, err)
	}
	byDigest := map[string]Token{}
	for _, t := range f.Tokens {
		if raw, err := hex.DecodeString(t.SHA256); t.Name == "" || err != nil || len(raw) != sha256.Size {
			return nil, fmt.Errorf("read tokens %s: each entry needs a name and a sha256 of 64 digits: that of %q does not", file, t.Name)
		}
		if _, err := access.ParseRole(string(t.Role)); err != nil {
			return nil, fmt.Errorf("read tokens %s: %s: %w", file, t.Name, err)
		}
		byDigest[t.SHA256] = t
	}
	return byDigest, nil
}

// tokens are those of a file, read again when it changes. What cannot be read lets
// nobody in: it might have revoked someone.
type tokens struct {
	file string
	log  *slog.Logger

	mu      sync.Mutex
	known   map[string]Token
	changed time.Time
	size    int64
	looked  time.Time
}

// tokensPause is the shortest pause between two looks at the file.
const tokensPause = time.Second

func openTokens(file string, log *slog.Logger) (*tokens, error) {
	t := &tokens{file: file, log: log}
	if file == "" {
		return t, nil
	}
	if _, err := readTokens(file); err != nil {
		return nil, err
	}
	return t, nil
}

func (t *tokens) find(token string) (Token, bool) { return t.digest(Digest(token)) }

func (t *tokens) digest(digest string) (Token, bool) {
	if t.file == "" || digest == "" {
		return Token{}, false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.refresh()
	found, ok := t.known[digest]
	return found, ok
}

func (t *tokens) refresh() {
	if time.Since(t.looked) < tokensPause {
		return
	}
	t.looked = time.Now()
	info, err := os.Stat(t.file)
	if err == nil && info.ModTime().Equal(t.changed) && info.Size() == t.size {
		return
	}
	var known map[string]Token
	if err == nil {
		known, err = readTokens(t.file)
	}
	t.known = known
	if err != nil {
		t.changed = time.Time{}
		t.log.Error("tokens cannot be read: no one signs in by them until they can", "error", err)
		return
	}
	t.changed, t.size = info.ModTime(), info.Size()
}
