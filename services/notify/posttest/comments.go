package posttest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/fiord-bench/fiord/services/notify/notice"
)

// Commenter is what is tested.
type Commenter interface {
	Comment(ctx context.Context, c notice.Commit, id, text string) (string, error)
	MaxComment() int
}

// Comments says how one forge takes comments of pull request 7.
type Comments struct {
	New func(url string) Commenter
	// List is the escaped path that comments are made at; One where the comment
	// with the id in place of {id} is changed, by Method.
	List, One, Method string
	// Header that every request has.
	Header map[string]string
	// Text finds the text in a body.
	Text func(body map[string]any) string
	// Limit of the text as the forge documents it, in characters.
	Limit int
	// Versioned forges change a comment only for whoever knows its version.
	Versioned bool
}

// comments stands in a forge's place: it keeps comments as a forge does.
type comments struct {
	t    *testing.T
	c    Comments
	mu   sync.Mutex
	next int
	text map[int]string
	rev  map[int]int
}

// ServeHTTP answers as the forge would.
func (f *comments) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for name, value := range f.c.Header {
		if r.Header.Get(name) != value {
			f.t.Errorf("%s %s: header %s is %q, want %q", r.Method, r.URL, name, r.Header.Get(name), value)
		}
	}
	if r.Method == http.MethodPost && r.URL.EscapedPath() == f.c.List {
		f.next++
		f.keep(w, r, 100+f.next, http.StatusCreated)
		return
	}
	for id := range f.text {
		if r.URL.EscapedPath() != strings.ReplaceAll(f.c.One, "{id}", fmt.Sprint(id)) {
			continue
		}
		switch {
		case r.Method == f.c.Method:
			f.keep(w, r, id, http.StatusOK)
		case r.Method == http.MethodGet && f.c.Versioned:
			f.answer(w, id, http.StatusOK)
		default:
			w.WriteHeader(http.StatusMethodNotAllowed)
		}
		return
	}
	w.WriteHeader(http.StatusNotFound)
}

func (f *comments) keep(w http.ResponseWriter, r *http.Request, id, status int) {
	var body map[string]any
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		f.t.Error(err)
	}
	if _, known := f.text[id]; known && f.c.Versioned && body["version"] != float64(f.rev[id]) {
		w.WriteHeader(http.StatusConflict)
		return
	}
	text := f.c.Text(body)
	if text == "" || len([]rune(text)) > f.c.Limit {
		w.WriteHeader(http.StatusUnprocessableEntity)
		return
	}
	f.text[id] = text
	f.rev[id]++
	f.answer(w, id, status)
}

func (f *comments) answer(w http.ResponseWriter, id, status int) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"id": id, "version": f.rev[id]})
}

// CommentsAreEdited runs the suite.
func CommentsAreEdited(t *testing.T, c Comments) {
	t.Helper()
	f := &comments{t: t, c: c, text: map[int]string{}, rev: map[int]int{}}
	srv := httptest.NewServer(f)
	defer srv.Close()
	s, commit := c.New(srv.URL), *Notice(notice.Success).Commit
	commit.Pull = 7

	first, err := s.Comment(t.Context(), commit, "", "first")
	if err != nil || first != "101" {
		t.Fatalf("made comment %q, %v", first, err)
	}
	other, err := s.Comment(t.Context(), commit, "", "of another bench")
	if err != nil || other == first {
		t.Fatalf("made comment %q, %v", other, err)
	}
	for _, text := range []string{"second", "third", strings.Repeat("x", s.MaxComment())} {
		if again, err := s.Comment(t.Context(), commit, first, text); err != nil || again != first {
			t.Fatalf("changed comment %q, %v", again, err)
		}
		if f.text[101] != text || len(f.text) != 2 {
			t.Errorf("%d comments, the first is %.20q", len(f.text), f.text[101])
		}
	}
	var failure *notice.SendError
	if _, err := s.Comment(t.Context(), commit, "999", "gone"); !errors.As(err, &failure) || failure.Code != http.StatusNotFound {
		t.Errorf("a comment that is gone: %v", err)
	}
	commit.Repo.Name = "../x"
	if _, err := s.Comment(t.Context(), commit, "", "text"); !errors.As(err, &failure) || failure.Outcome != notice.Refused {
		t.Errorf("a bad name: %v", err)
	}
}
