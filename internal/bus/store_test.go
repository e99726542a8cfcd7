package bus

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/artifacts"
)

// What each error of the store does to an event, by a claim check and otherwise.
func TestErrorsOfTheStoreDecideOverAnEvent(t *testing.T) {
	for _, tt := range []struct {
		err             error
		store, forClaim disposition
	}{
		{nil, settleAck, settleAck},
		{artifacts.ErrUnavailable, settleHold, settleHold},
		{artifacts.ErrDenied, settleHold, settleHold},
		{artifacts.ErrSkewed, settleHold, settleHold},
		{artifacts.ErrExists, settleDead, settleDead},
		{artifacts.ErrCorrupt, settleDead, settleDead},
		{artifacts.ErrTooLarge, settleDead, settleDead},
		{artifacts.ErrInvalid, settleDead, settleDead},
		{artifacts.ErrNotFound, settleRetry, settleDead},
		{errors.New("anything else"), settleRetry, settleRetry},
	} {
		err := tt.err
		if err != nil {
			err = fmt.Errorf("read: %w", err)
		}
		if got := decide(ForStore(err), 1, 0, time.Second, 0); got != tt.store {
			t.Errorf("ForStore(%v): %s, want %s", tt.err, got, tt.store)
		}
		if got := decide(ForClaim(err), 1, 0, time.Second, 0); got != tt.forClaim {
			t.Errorf("ForClaim(%v): %s, want %s", tt.err, got, tt.forClaim)
		}
		if err != nil && !errors.Is(ForClaim(err), tt.err) {
			t.Errorf("ForClaim(%v) hides its cause", tt.err)
		}
	}
}
