package artifactstest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/google/go-cmp/cmp"
)

func (s suite) list() {
	const n = 1005 // more than one page
	var want []string
	work := make(chan string)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for name := range work {
				if _, err := s.put(name, []byte("x")); err != nil {
					s.Error(err)
				}
			}
		})
	}
	for i := range n {
		name := fmt.Sprintf("list/%d/%04d", i%3, i)
		want = append(want, s.prefix+name)
		work <- name
	}
	close(work)
	wg.Wait()
	slices.Sort(want)

	if diff := cmp.Diff(want, s.keysBelow("list/")); diff != "" {
		s.Errorf("keys (-want +got):\n%s", diff)
	}
	if got := len(s.keysBelow("list/1/")); got != n/3 {
		s.Errorf("%d keys below list/1/, want %d", got, n/3)
	}
	if got := s.keysBelow("listing/"); got != nil {
		s.Errorf("keys below nothing: %v", got)
	}
	seen := 0
	for _, err := range s.store.List(s.Context(), s.prefix) {
		if err != nil {
			s.Fatal(err)
		}
		if seen++; seen == 3 {
			break
		}
	}
}

func (s suite) keysBelow(name string) (keys []string) {
	s.Helper()
	for info, err := range s.store.List(s.Context(), s.prefix+name) {
		if err != nil {
			s.Fatal(err)
		}
		keys = append(keys, info.Key)
	}
	return keys
}

func (s suite) remove() {
	claim := s.mustPut("removed", []byte("one"))
	for range 2 {
		if err := s.store.Remove(s.Context(), claim.Key); err != nil {
			s.Fatal(err)
		}
	}
	_, err := s.store.Open(s.Context(), claim)
	s.wantErr(err, artifacts.ErrNotFound)
	s.wantContent(s.mustPut("removed", []byte("two")), []byte("two"))
}

func (s suite) replace() {
	key := s.prefix + "pointer.json"
	swap := func(etag, content string) (string, error) {
		_, tag, err := s.store.Replace(s.Context(), key, etag, "application/json", strings.NewReader(content))
		return tag, err
	}
	_, err := swap("0123456789abcdef0123456789abcdef", "{}")
	s.wantErr(err, artifacts.ErrStale)
	first, err := swap("", `{"n":1}`)
	if err != nil {
		s.Fatal(err)
	}
	_, err = swap("", `{"n":2}`)
	s.wantErr(err, artifacts.ErrStale)
	if _, err := swap(first, `{"n":3}`); err != nil {
		s.Fatal(err)
	}
	_, err = swap(first, `{"n":4}`)
	s.wantErr(err, artifacts.ErrStale)
	claim, err := s.store.Claim(s.Context(), key)
	if err != nil {
		s.Fatal(err)
	}
	s.wantContent(claim, []byte(`{"n":3}`))
}

func (s suite) update() {
	const writers, steps = 4, 5
	key := s.prefix + "counter"
	count := func(current []byte) ([]byte, error) {
		n, err := strconv.Atoi(string(current))
		if current != nil && err != nil {
			return nil, err
		}
		return strconv.AppendInt(nil, int64(n+1), 10), nil
	}
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for range steps {
				if err := s.store.Update(s.Context(), key, "text/plain", count); err != nil {
					s.Error(err)
				}
			}
		})
	}
	wg.Wait()
	var final string
	err := s.store.Update(s.Context(), key, "text/plain", func(current []byte) ([]byte, error) {
		final = string(current)
		return nil, nil
	})
	if err != nil || final != strconv.Itoa(writers*steps) {
		s.Errorf("counter is %q, error %v; want %d", final, err, writers*steps)
	}
}

func (s suite) compressed() {
	content := bytes.Repeat([]byte("1000, 4096, 0, 4096\n"), 50_000)
	key := s.prefix + "logs/read_bw.1.log.zst"
	claim, err := s.store.PutCompressed(s.Context(), key, bytes.NewReader(content))
	if err != nil {
		s.Fatal(err)
	}
	if claim.MediaType != artifacts.MediaZstd || claim.Size > int64(len(content)/10) {
		s.Errorf("claim check %+v is not of compressed content", claim)
	}
	if again, err := s.store.PutCompressed(s.Context(), key, bytes.NewReader(content)); err != nil || again != claim {
		s.Errorf("second time: %+v, %v", again, err)
	}
	if got, err := s.plain(s.Context(), key, int64(len(content))); err != nil || !bytes.Equal(got, content) {
		s.Errorf("expanded to %d bytes, error %v; want %d", len(got), err, len(content))
	}
	_, err = s.plain(s.Context(), key, int64(len(content))-1)
	s.wantErr(err, artifacts.ErrTooLarge)
	_, err = s.store.PutCompressed(s.Context(), s.prefix+"plain.log", strings.NewReader("x"))
	s.wantErr(err, artifacts.ErrInvalid)
}

func (s suite) plain(ctx context.Context, key string, limit int64) ([]byte, error) {
	claim, err := s.store.Claim(ctx, key)
	if err != nil {
		return nil, err
	}
	r, err := s.store.OpenPlain(ctx, claim, limit)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}
