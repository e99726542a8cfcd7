package post_test

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/services/notify/notice"
	"github.com/fiord-bench/fiord/services/notify/post"
)

func ask(t *testing.T, timeout time.Duration, handler http.HandlerFunc) error {
	t.Helper()
	srv := httptest.NewServer(handler)
	defer srv.Close()
	return post.New(timeout).Do(t.Context(), post.Request{URL: srv.URL + "/hush"})
}

func TestAnswersAreSorted(t *testing.T) {
	reset := time.Now().Add(40 * time.Second).Unix()
	for _, c := range []struct {
		status int
		header map[string]string
		want   notice.Outcome // "" for success
		after  time.Duration
	}{
		{status: 200}, {status: 201}, {status: 204},
		{status: 301, want: notice.Refused}, {status: 307, want: notice.Refused},
		{status: 400, want: notice.Refused}, {status: 401, want: notice.Refused}, {status: 403, want: notice.Refused},
		{status: 404, want: notice.Refused}, {status: 410, want: notice.Refused},
		{status: 408, want: notice.Failed}, {status: 409, want: notice.Failed},
		{status: 429, want: notice.Busy, after: time.Second},
		{status: 429, header: map[string]string{"Retry-After": "7"}, want: notice.Busy, after: 7 * time.Second},
		{status: 429, header: map[string]string{"Retry-After": "7.5"}, want: notice.Busy, after: 7500 * time.Millisecond},
		{status: 429, header: map[string]string{"Retry-After": "0.35"}, want: notice.Busy, after: time.Second},
		{status: 429, header: map[string]string{"Retry-After": "1e300"}, want: notice.Busy, after: time.Hour},
		{status: 429, header: map[string]string{"Retry-After": "NaN"}, want: notice.Busy, after: time.Second},
		{status: 429, header: map[string]string{"Retry-After": time.Now().Add(40 * time.Second).UTC().Format(http.TimeFormat)}, want: notice.Busy, after: 40 * time.Second},
		{status: 429, header: map[string]string{"Retry-After": "99999999"}, want: notice.Busy, after: time.Hour},
		{status: 429, header: map[string]string{"Retry-After": "-5"}, want: notice.Busy, after: time.Second},
		{status: 429, header: map[string]string{"Retry-After": "soon"}, want: notice.Busy, after: time.Second},
		{status: 403, header: map[string]string{"Retry-After": "60"}, want: notice.Busy, after: time.Minute},
		{status: 403, header: map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": itoa(reset)}, want: notice.Busy, after: 40 * time.Second},
		{status: 403, header: map[string]string{"X-RateLimit-Remaining": "12"}, want: notice.Refused},
		{status: 503, header: map[string]string{"Retry-After": "3"}, want: notice.Busy, after: 3 * time.Second},
		{status: 500, want: notice.Failed}, {status: 502, want: notice.Away}, {status: 503, want: notice.Away}, {status: 504, want: notice.Away},
	} {
		err := ask(t, 5*time.Second, func(w http.ResponseWriter, _ *http.Request) {
			for name, value := range c.header {
				w.Header().Set(name, value)
			}
			w.WriteHeader(c.status)
		})
		failure, ok := errors.AsType[*notice.SendError](err)
		switch {
		case c.want == "" && err != nil, c.want != "" && (!ok || failure.Outcome != c.want):
			t.Errorf("%d %v: error is %v, want %q", c.status, c.header, err, c.want)
		case ok && (failure.After > c.after || failure.After < c.after/2):
			t.Errorf("%d %v: come back after %v, want %v", c.status, c.header, failure.After, c.after)
		}
	}
}

func itoa(n int64) string {
	var b []byte
	for ; n > 0; n /= 10 {
		b = append([]byte{byte('0' + n%10)}, b...)
	}
	return string(b)
}

func TestTheAnswersWordsHelpAndTheAddressStaysSecret(t *testing.T) {
	err := ask(t, 5*time.Second, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte("channel\n\n  is archived" + strings.Repeat("x", 1<<20)))
	})
	if text := err.Error(); !strings.Contains(text, "channel is archived") || strings.Contains(text, "hush") || len(text) > 500 {
		t.Errorf("error is %q", text)
	}
}

func TestSilenceAndAbsenceAreAway(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = gone.Close()
	for name, addr := range map[string]string{"silent": silent.Addr().String(), "gone": gone.Addr().String()} {
		start := time.Now()
		err := post.New(200*time.Millisecond).Do(t.Context(), post.Request{URL: "http://" + addr + "/hush"})
		failure, ok := errors.AsType[*notice.SendError](err)
		if !ok || failure.Outcome != notice.Away || strings.Contains(err.Error(), "hush") || time.Since(start) > 30*time.Second {
			t.Errorf("%s: error is %v after %v", name, err, time.Since(start))
		}
	}
}

func TestAnEndlessAnswerIsNotRead(t *testing.T) {
	start := time.Now()
	err := ask(t, 2*time.Minute, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 32<<10)); err != nil {
				return
			}
		}
	})
	if err != nil || time.Since(start) > time.Minute {
		t.Errorf("error is %v after %v", err, time.Since(start))
	}
}
