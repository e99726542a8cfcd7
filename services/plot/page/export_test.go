package page

import "time"

// SetClock has ages counted up to a fixed time.
func (h *Handler) SetClock(now time.Time) { h.now = func() time.Time { return now } }
