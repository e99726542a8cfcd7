package artifactstest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/events"
	"github.com/google/go-cmp/cmp"
)

// Run holds a server to everything that fiord relies on. open returns a Store
// on it; the bucket may hold other objects. Keys are unique to each call.
func Run(t *testing.T, open func(t *testing.T) *artifacts.Store) {
	for name, test := range map[string]func(suite){
		"content of any size comes back as it was put":           suite.sizes,
		"every legal key and its media type are kept":            suite.keys,
		"the same content again is a success":                    suite.sameAgain,
		"other content is refused and changes nothing":           suite.otherContent,
		"of many writers of one key exactly one wins":            suite.oneWinner,
		"of many writers of one large object exactly one wins":   suite.oneLargeWinner,
		"many writers of the same content all succeed":           suite.sameWriters,
		"a claim that the bytes don't meet is corrupt":           suite.wrongClaim,
		"what is missing is not found":                           suite.missing,
		"stat tells size, type, hash and time":                   suite.stat,
		"list is ordered, complete over pages, and may be ended": suite.list,
		"remove is idempotent and frees the key":                 suite.remove,
		"replace needs the version it replaces":                  suite.replace,
		"update loses no step of concurrent writers":             suite.update,
		"compressed content is the same twice and expands":       suite.compressed,
		"a cancelled call ends as cancelled":                     suite.cancelled,
		"the bucket is healthy and may be ensured again":         suite.health,
	} {
		t.Run(name, func(t *testing.T) {
			test(suite{T: t, store: open(t), prefix: fmt.Sprintf("conformance/%016x/", rand.Uint64())})
		})
	}
}

// suite is one conformance test at work.
type suite struct {
	*testing.T
	store  *artifacts.Store
	prefix string
}

func (s suite) put(name string, content []byte) (events.ClaimCheck, error) {
	return s.store.Put(s.Context(), s.prefix+name, "application/octet-stream", bytes.NewReader(content))
}

func (s suite) mustPut(name string, content []byte) events.ClaimCheck {
	s.Helper()
	claim, err := s.put(name, content)
	if err != nil {
		s.Fatal(err)
	}
	return claim
}

func (s suite) wantContent(claim events.ClaimCheck, want []byte) {
	s.Helper()
	got, err := s.store.ReadAll(s.Context(), claim, 64<<20)
	if err != nil {
		s.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		s.Errorf("content of %s differs: %d bytes, want %d", claim.Key, len(got), len(want))
	}
}

func (s suite) wantErr(err, want error) {
	s.Helper()
	if !errors.Is(err, want) {
		s.Errorf("error is %v, want %v", err, want)
	}
}

// noise is content that differs by seed.
func noise(seed uint64, size int) []byte {
	b := make([]byte, size)
	var key [32]byte
	key[0], key[1] = byte(seed), byte(seed>>8)
	_, _ = rand.NewChaCha8(key).Read(b)
	return b
}

func (s suite) sizes() {
	const spool, part = 256 << 10, 16 << 20 // where the spool and other clients change their ways
	for _, size := range []int{0, 1, 4096, spool - 1, spool, spool + 1, part, part + 1} {
		content := noise(uint64(size), size)
		claim := s.mustPut(fmt.Sprintf("size-%d", size), content)
		sum := sha256.Sum256(content)
		want := events.ClaimCheck{
			Bucket: s.store.Bucket(), Key: claim.Key, Size: int64(size),
			SHA256: hex.EncodeToString(sum[:]), MediaType: "application/octet-stream",
		}
		if diff := cmp.Diff(want, claim); diff != "" {
			s.Errorf("claim check (-want +got):\n%s", diff)
		}
		s.wantContent(claim, content)
	}
}

func (s suite) keys() {
	for _, name := range []string{"a", "A/b/c.fio", "x-_.=+@,~", strings.Repeat("n", 200), artifacts.SafeName("größe & co/§ 1")} {
		claim, err := s.store.Put(s.Context(), s.prefix+name, "text/plain; charset=utf-8", strings.NewReader(name))
		if err != nil {
			s.Errorf("put %q: %v", name, err)
			continue
		}
		s.wantContent(claim, []byte(name))
		info, err := s.store.Stat(s.Context(), claim.Key)
		if err != nil || info.MediaType != "text/plain; charset=utf-8" {
			s.Errorf("stat %q: media type %q, error %v", name, info.MediaType, err)
		}
	}
}

func (s suite) sameAgain() {
	for _, size := range []int{0, 10, 300 << 10} {
		content := noise(7, size)
		first := s.mustPut(fmt.Sprintf("same-%d", size), content)
		again := s.mustPut(fmt.Sprintf("same-%d", size), content)
		if first != again {
			s.Errorf("claim checks differ: %+v, %+v", first, again)
		}
	}
}

func (s suite) otherContent() {
	first := s.mustPut("other", []byte("first"))
	for _, other := range []string{"second", "other", ""} {
		_, err := s.put("other", []byte(other))
		s.wantErr(err, artifacts.ErrExists)
	}
	s.wantContent(first, []byte("first"))
}

func (s suite) oneWinner() { s.race("winner", 24, 64<<10) }

func (s suite) oneLargeWinner() { s.race("large", 3, 17<<20) }

// race has n writers put contents of their own under one key.
func (s suite) race(name string, n, size int) {
	claims := make([]events.ClaimCheck, n)
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { claims[i], errs[i] = s.put(name, noise(uint64(i), size)) })
	}
	wg.Wait()
	winner := -1
	for i, err := range errs {
		switch {
		case err == nil && winner >= 0:
			s.Fatalf("writers %d and %d both won", winner, i)
		case err == nil:
			winner = i
		default:
			s.wantErr(err, artifacts.ErrExists)
		}
	}
	if winner < 0 {
		s.Fatal("no writer won")
	}
	s.wantContent(claims[winner], noise(uint64(winner), size))
}

func (s suite) sameWriters() {
	content := noise(3, 100<<10)
	errs := make([]error, 16)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { _, errs[i] = s.put("together", content) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		s.Error(err)
	}
}

func (s suite) wrongClaim() {
	claim := s.mustPut("claimed", []byte("what was put"))
	hash, size, place := claim, claim, claim
	hash.SHA256 = strings.Repeat("0", 64)
	size.Size--
	place.Bucket = "elsewhere"
	for _, wrong := range []struct {
		claim events.ClaimCheck
		want  error
	}{{hash, artifacts.ErrCorrupt}, {size, artifacts.ErrCorrupt}, {place, artifacts.ErrInvalid}} {
		b, err := s.store.ReadAll(s.Context(), wrong.claim, 100)
		s.wantErr(err, wrong.want)
		if b != nil {
			s.Errorf("unverified content %q was handed out", b)
		}
	}
	_, err := s.store.ReadAll(s.Context(), claim, claim.Size-1)
	s.wantErr(err, artifacts.ErrTooLarge)
}

func (s suite) missing() {
	claim := s.mustPut("there", []byte("x"))
	claim.Key = s.prefix + "nowhere"
	_, err := s.store.Open(s.Context(), claim)
	s.wantErr(err, artifacts.ErrNotFound)
	_, err = s.store.Stat(s.Context(), claim.Key)
	s.wantErr(err, artifacts.ErrNotFound)
}

func (s suite) stat() {
	claim := s.mustPut("stat", []byte("statistics"))
	info, err := s.store.Stat(s.Context(), claim.Key)
	if err != nil {
		s.Fatal(err)
	}
	if age := time.Since(info.Modified); age < -time.Hour || age > time.Hour {
		s.Errorf("modified %v", info.Modified)
	}
	if info.ETag == "" {
		s.Error("no ETag")
	}
	rebuilt, err := s.store.Claim(s.Context(), claim.Key)
	if err != nil || rebuilt != claim {
		s.Errorf("claim check from the server is %+v, %v; want %+v", rebuilt, err, claim)
	}
}

func (s suite) cancelled() {
	ctx, cancel := context.WithCancel(s.Context())
	cancel()
	_, err := s.store.Put(ctx, s.prefix+"cancelled", "text/plain", strings.NewReader("x"))
	s.wantErr(err, context.Canceled)
	if errors.Is(err, artifacts.ErrUnavailable) {
		s.Error("a cancelled call blames the store")
	}
}

func (s suite) health() {
	if err := s.store.Health(s.Context()); err != nil {
		s.Error(err)
	}
	if err := s.store.EnsureBucket(s.Context()); err != nil {
		s.Error(err)
	}
}
