package events

// UnmarshalThoroughly is Unmarshal without the fast path.
func UnmarshalThoroughly(raw []byte) (Event, error) { return readStructured(raw, false) }

// UnmarshalOwn is the fast path alone.
func UnmarshalOwn(raw []byte) (Event, bool) { return readOwn(raw) }
