package login

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"net/http"
	"time"

	"github.com/gorilla/securecookie"
)

// session is what the cookie of a person who signed in says.
type session struct {
	Via     string   `json:"v"`
	Name    string   `json:"n,omitempty"`
	Groups  []string `json:"g,omitempty"` // those that rights are bound to
	Token   string   `json:"t,omitempty"` // digest of the token
	Expires int64    `json:"e"`           // seconds since 1970
}

// flow is what is kept in the browser while a person is at the provider.
type flow struct {
	State    string `json:"s"`
	Nonce    string `json:"n"`
	Verifier string `json:"c"`
	To       string `json:"t"`
	Expires  int64  `json:"e"`
}

// flowLife is how long a person may take at the provider.
const flowLife = 10 * time.Minute

// seals are the keys by which cookies are encrypted and signed.
type seals struct {
	codecs []securecookie.Codec
	secure bool // only by https
	life   time.Duration
	now    func() time.Time
}

func newSeals(c Config, secure bool, now func() time.Time) (seals, error) {
	s := seals{secure: secure, life: c.Session, now: now}
	secrets := c.keys()
	if len(secrets) == 0 {
		secrets = []string{rand.Text() + rand.Text()}
	}
	for _, secret := range secrets {
		var pair [2][]byte
		for i, use := range []string{"fiord page session: signature", "fiord page session: encryption"} {
			key, err := hkdf.Key(sha256.New, []byte(secret), nil, use, 32)
			if err != nil {
				return s, fmt.Errorf("derive session key: %w", err)
			}
			pair[i] = key
		}
		codec := securecookie.New(pair[0], pair[1])
		codec.SetSerializer(securecookie.JSONEncoder{})
		codec.MaxAge(0) // what is inside says when it ends
		s.codecs = append(s.codecs, codec)
	}
	return s, nil
}

// name is that of a cookie. Browsers take the prefix from this very host by https
// only, so that no neighbouring host can plant one.
func (s seals) name(what string) string {
	if s.secure {
		return "__Host-fiord-" + what
	}
	return "fiord-" + what
}

const (
	sessionCookie = "session"
	flowCookie    = "login"
)

func (s seals) set(w http.ResponseWriter, what string, value any, life time.Duration) error {
	sealed, err := securecookie.EncodeMulti(s.name(what), value, s.codecs...)
	if err != nil {
		return fmt.Errorf("seal cookie: %w", err)
	}
	s.write(w, what, sealed, int(life.Seconds()))
	return nil
}

func (s seals) clear(w http.ResponseWriter, what string) { s.write(w, what, "", -1) }

func (s seals) write(w http.ResponseWriter, what, value string, age int) {
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure wherever the page is reached by https
		Name: s.name(what), Value: value, Path: "/", MaxAge: age, HttpOnly: true, Secure: s.secure, SameSite: http.SameSiteLaxMode,
	})
}

// open reads a cookie that is whole; it does not look at its end.
func (s seals) open(r *http.Request, what string, value any) bool {
	c, err := r.Cookie(s.name(what))
	return err == nil && securecookie.DecodeMulti(s.name(what), c.Value, value, s.codecs...) == nil
}

func (s seals) session(r *http.Request) (session, bool) {
	var got session
	if !s.open(r, sessionCookie, &got) || s.now().Unix() >= got.Expires {
		return session{}, false
	}
	return got, true
}

func (s seals) begin(w http.ResponseWriter, one session) error {
	one.Expires = s.now().Add(s.life).Unix()
	return s.set(w, sessionCookie, one, s.life)
}
