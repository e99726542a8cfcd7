package artifacts_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/artifacts"
)

// A store whose clock differs refuses with 403, as it does wrong keys. Stores say
// RequestTimeTooSkewed in the body, which the answer to HEAD does not have.
func TestRefusalForTheClockIsReportedAsThat(t *testing.T) {
	cfg, _ := server(t)
	for _, tt := range []struct {
		name string
		off  time.Duration
		body string
		want error
	}{
		{"an hour behind", -time.Hour, "", artifacts.ErrSkewed},
		{"an hour ahead", time.Hour, "", artifacts.ErrSkewed},
		{"by its code", 0, "<Error><Code>RequestTimeTooSkewed</Code></Error>", artifacts.ErrSkewed},
		{"wrong keys", 0, "<Error><Code>AccessDenied</Code></Error>", artifacts.ErrDenied},
		{"wrong keys, clocks nearly agree", 3 * time.Minute, "<Error><Code>AccessDenied</Code></Error>", artifacts.ErrDenied},
	} {
		t.Run(tt.name, func(t *testing.T) {
			refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Date", time.Now().Add(tt.off).UTC().Format(http.TimeFormat))
				w.WriteHeader(http.StatusForbidden)
				_, _ = fmt.Fprint(w, tt.body)
			}))
			defer refusing.Close()
			far := cfg
			far.Endpoint = refusing.URL
			s, err := artifacts.New(far)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			_, err = s.Put(t.Context(), "jobs/x.fio", "text/plain", strings.NewReader("[x]\n"))
			if !errors.Is(err, tt.want) {
				t.Errorf("put: %v, want %v", err, tt.want)
			}
			if tt.body == "" {
				if err := s.Health(t.Context()); !errors.Is(err, tt.want) {
					t.Errorf("health: %v, want %v", err, tt.want)
				}
			}
		})
	}
}
