package bus

import (
	"errors"

	"github.com/fiord-bench/fiord/artifacts"
)

// ForStore says what an error of the store means for the event in hand: the event
// is held while the store is away or denies access, be it for the clock, and
// given up on for what no retry mends. An object that is not there may come yet, so that is retried like
// any other error.
func ForStore(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, artifacts.ErrUnavailable), errors.Is(err, artifacts.ErrDenied), errors.Is(err, artifacts.ErrSkewed):
		return Unavailable(err)
	case errors.Is(err, artifacts.ErrCorrupt), errors.Is(err, artifacts.ErrTooLarge), errors.Is(err, artifacts.ErrInvalid),
		errors.Is(err, artifacts.ErrExists): // what is there under the key will not change
		return Permanent(err)
	default:
		return err
	}
}

// ForClaim is ForStore for an object that a claim check names. It was stored
// before the claim check was made: if it is not there, it was removed, and will
// not come back.
func ForClaim(err error) error {
	if errors.Is(err, artifacts.ErrNotFound) {
		return Permanent(err)
	}
	return ForStore(err)
}
