package artifacts

import (
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/minio/minio-go/v7"
)

// writes remembers whether the store takes what is written. A server whose disk is full or
// read-only, or whose rights were changed, answers every look at the bucket as ever.
type writes struct {
	mu     sync.Mutex
	failed error
	since  time.Time // of the first failure after the last success
	last   time.Time
}

// writeDoubt is how long a failed write speaks against the store if none is tried after it.
const writeDoubt = time.Minute

// note takes in what the server answered to a write. That it did not answer is no news of its
// disk, nor that it is busy or holds another version.
func (w *writes) note(key string, err error) {
	status := minio.ToErrorResponse(err).StatusCode
	refused := status >= http.StatusInternalServerError && status != http.StatusServiceUnavailable || status == http.StatusForbidden
	if err != nil && !refused {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil {
		w.failed = nil
		return
	}
	w.last = time.Now()
	if w.failed == nil {
		w.since = w.last
	}
	w.failed = fmt.Errorf("put %s: %w", key, err)
}

// doubt is an error while writing fails.
func (w *writes) doubt() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failed == nil || time.Since(w.last) > writeDoubt {
		return nil
	}
	return fmt.Errorf("%w: it answers, but takes no writes since %s: is its disk full or read-only, or were this user's rights changed? %w",
		ErrUnavailable, w.since.UTC().Format(time.RFC3339), w.failed)
}
