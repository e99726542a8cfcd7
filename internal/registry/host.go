package registry

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/fiord-bench/fiord/events"
)

// Bucket is the name of the key-value bucket that hosts announce themselves in.
const Bucket = "fiord-hosts"

// Defaults of the protocol. LostAfter is four beats, so that one lost message
// and a slow garbage collection don't take a host out of the fleet.
const (
	BeatEvery    = 5 * time.Second
	LostAfter    = 20 * time.Second
	ForgetAfter  = time.Hour
	maxBeatSize  = 16 << 10
	maxDetailLen = 256 << 10
)

// The kinds of record, which are the first token of a key.
const (
	beatPrefix   = "beat."
	detailPrefix = "facts."
	lostPrefix   = "lost."
)

// Errors of this package.
var (
	// ErrInvalidHost: a record lacks what every host must say of itself.
	ErrInvalidHost = errors.New("invalid host record")
	// ErrTooLarge: a record is larger than readers accept. Facts are for
	// placement; bulk data belongs in an artifact.
	ErrTooLarge = errors.New("host record too large")
)

// BucketConfig describes the bucket. Records of a host that is gone for
// ForgetAfter disappear by themselves.
func BucketConfig(replicas int) jetstream.KeyValueConfig {
	return jetstream.KeyValueConfig{
		Bucket:       Bucket,
		Description:  "bench hosts: beats and facts",
		Storage:      jetstream.MemoryStorage,
		TTL:          ForgetAfter,
		MaxValueSize: maxDetailLen,
		Replicas:     max(replicas, 1),
	}
}

// BeatKey is the key of a host's beats.
func BeatKey(token string) string { return beatPrefix + token }

// DetailsKey is the key of a host's details.
func DetailsKey(token string) string { return detailPrefix + token }

// LostKey is where inventory marks a host whose loss has been told.
func LostKey(token string) string { return lostPrefix + token }

// Beat is the small record, written every BeatEvery.
type Beat struct {
	// Token names the host in subjects and keys: events.Token(Name).
	Token string `json:"token"`
	// Name is the host's name as its operator knows it.
	Name string `json:"name"`
	// Incarnation differs each time the worker's process starts.
	Incarnation string `json:"incarnation"`
	// Started is when this incarnation started, by the host's clock.
	Started time.Time `json:"started"`
	// Pools are the names of the pools whose work this host takes.
	Pools []string `json:"pools,omitempty"`
	// Capacity is how many lists of runs the host works on at once.
	Capacity int `json:"capacity"`
	// Draining hosts finish what they have and take nothing new.
	Draining bool `json:"draining,omitempty"`
	// Running are the runs the host has started and not ended.
	Running []Running `json:"running,omitempty"`
	// Waiting counts lists in the worker's hand that haven't started.
	Waiting int `json:"waiting,omitempty"`
	// Load holds the facts that change all the time, such as
	// system_overload_10min and memory_free.
	Load map[string]string `json:"load,omitempty"`
}

// Running names one run in progress.
type Running struct {
	Bench string `json:"bench"`
	Run   string `json:"run"`
}

// Details is the record of what rarely changes.
type Details struct {
	// Addresses are the host's IP addresses and DNS names. By them a host is
	// recognised in a discovered inventory.
	Addresses []string `json:"addresses,omitempty"`
	// Containers are the names of the containers on the host, for affinity.
	Containers []string `json:"containers,omitempty"`
	// Facts are what constraints select by, as text.
	Facts map[string]string `json:"facts,omitempty"`
}

// Host is all that a host announces.
type Host struct {
	Beat
	Details
}

// Validate reports the first thing that makes the record unusable.
func (b Beat) Validate() error {
	switch {
	case b.Name == "":
		return fmt.Errorf("%w: name is empty", ErrInvalidHost)
	case b.Token != events.Token(b.Name):
		return fmt.Errorf("%w: token %q isn't that of %q", ErrInvalidHost, b.Token, b.Name)
	case b.Incarnation == "":
		return fmt.Errorf("%w: %s: incarnation is empty", ErrInvalidHost, b.Name)
	case b.Capacity < 1:
		return fmt.Errorf("%w: %s: capacity %d is less than 1", ErrInvalidHost, b.Name, b.Capacity)
	}
	return nil
}

// AllFacts merges the facts of both records and what the host says of itself
// (name, pools aside), the changing ones winning. The map is the caller's.
func (h Host) AllFacts() map[string]string {
	all := make(map[string]string, len(h.Facts)+len(h.Load)+1)
	all["host"] = h.Name
	maps.Copy(all, h.Facts)
	maps.Copy(all, h.Load)
	return all
}

// InPool says whether the host serves the named pool.
func (h Host) InPool(pool string) bool {
	return slices.Contains(h.Pools, pool)
}

// encode writes a record and holds it to its limit.
func encode(record any, limit int) ([]byte, error) {
	b, err := json.Marshal(record)
	if err != nil {
		return nil, fmt.Errorf("encode host record: %w", err)
	}
	if len(b) > limit {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, len(b), limit)
	}
	return b, nil
}
