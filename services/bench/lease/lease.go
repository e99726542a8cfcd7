package lease

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Errors that callers act on.
var (
	// ErrHeld: another holder has the device now.
	ErrHeld = errors.New("device is leased to another run")
	// ErrLost: the lease is no longer ours, or may not be.
	ErrLost = errors.New("lease of the device is lost")
)

// Margin is how long before its key can expire a lease has ended for its
// holder. A fio that is killed has this long to be gone.
const Margin = 2 * time.Second

// MinTTL leaves room for the margin and for a few renewals that fail.
const MinTTL = 5 * time.Second

// Holder is who has a device, as the key's value says it.
type Holder struct {
	Host    string `json:"host"`
	Run     string `json:"run"`
	Attempt int    `json:"attempt"`
}

// Keeper grants leases out of a bucket, for TTL each time.
type Keeper struct {
	js  jetstream.JetStream
	kv  jetstream.KeyValue
	ttl time.Duration
}

// NewKeeper uses a bucket whose keys may expire one by one (its LimitMarkerTTL
// is set). TTLs below [MinTTL] are raised to it; servers count whole seconds.
func NewKeeper(js jetstream.JetStream, kv jetstream.KeyValue, ttl time.Duration) *Keeper {
	return &Keeper{js: js, kv: kv, ttl: max(ttl, MinTTL).Truncate(time.Second)}
}

// Lease is one holder's, of one device or several. Its methods may be called
// from several goroutines.
type Lease struct {
	keeper *Keeper
	holder Holder
	value  []byte

	mu       sync.Mutex
	grants   []grant
	deadline Clock
	lost     bool
}

type grant struct {
	device   string
	token    uint64
	revision uint64 // of the last renewal
}

// Take leases all devices or none. Devices are keys of the bucket. It does not
// wait: ErrHeld says that one is taken. A holder that has a device already, by
// a call whose answer it never saw, gets it again.
func (k *Keeper) Take(ctx context.Context, devices []string, h Holder) (*Lease, error) {
	l, err := k.lease(h)
	if err != nil {
		return nil, err
	}
	l.deadline = k.deadline()
	for _, device := range slices.Compact(slices.Sorted(slices.Values(devices))) {
		g, err := k.take(ctx, device, l.value)
		if err != nil {
			_, _ = l.giveBack(context.WithoutCancel(ctx)) // what is not given back expires
			return nil, err
		}
		l.grants = append(l.grants, g)
	}
	return l, nil
}

func (k *Keeper) lease(h Holder) (*Lease, error) {
	value, err := json.Marshal(h)
	if err != nil {
		return nil, fmt.Errorf("encode holder: %w", err)
	}
	return &Lease{keeper: k, holder: h, value: value}, nil
}

// deadline of what is sent from now on.
func (k *Keeper) deadline() Clock { return Now().Add(k.ttl - Margin) }

func (k *Keeper) take(ctx context.Context, device string, value []byte) (grant, error) {
	revision, err := k.kv.Create(ctx, device, value, jetstream.KeyTTL(k.ttl))
	switch {
	case err == nil:
		return grant{device: device, token: revision, revision: revision}, nil
	case !errors.Is(err, jetstream.ErrKeyExists):
		return grant{}, fmt.Errorf("lease %s: %w", device, err)
	}
	entry, err := k.kv.Get(ctx, device)
	if err != nil || string(entry.Value()) != string(value) {
		return grant{}, fmt.Errorf("lease %s: %w", device, ErrHeld) // gone by now, or another's
	}
	g := grant{device: device, token: entry.Revision(), revision: entry.Revision()}
	err = k.renew(ctx, &g, value)
	return g, err
}

// Resume takes up a lease that an earlier process of the same holder took.
// tokens are those of the grants by device. ErrLost says that it has ended.
func (k *Keeper) Resume(ctx context.Context, tokens map[string]uint64, h Holder) (*Lease, error) {
	l, err := k.lease(h)
	if err != nil {
		return nil, err
	}
	l.deadline = k.deadline()
	for device, token := range tokens {
		entry, err := k.kv.Get(ctx, device)
		if errors.Is(err, jetstream.ErrKeyNotFound) || err == nil && string(entry.Value()) != string(l.value) {
			return nil, fmt.Errorf("resume %s: %w", device, ErrLost)
		}
		if err != nil {
			return nil, fmt.Errorf("resume %s: %w", device, err)
		}
		g := grant{device: device, token: token, revision: entry.Revision()}
		if err := k.renew(ctx, &g, l.value); err != nil {
			return nil, err
		}
		l.grants = append(l.grants, g)
	}
	return l, nil
}

// renew writes the key once more, provided that no other holder has.
func (k *Keeper) renew(ctx context.Context, g *grant, value []byte) error {
	err := k.ifOurs(ctx, g, value, func() error {
		ack, err := k.js.PublishMsg(ctx, &nats.Msg{Subject: "$KV." + k.kv.Bucket() + "." + g.device, Data: value},
			jetstream.WithExpectLastSequencePerSubject(g.revision), jetstream.WithMsgTTL(k.ttl))
		if err == nil {
			g.revision = ack.Sequence
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("renew %s: %w", g.device, err)
	}
	return nil
}

// ifOurs does something to a key under the condition that its revision is the
// grant's. When that fails the key may still be ours: the answer to a renewal
// may have been lost. The value shows it, since no two holders share one.
func (k *Keeper) ifOurs(ctx context.Context, g *grant, value []byte, do func() error) error {
	err := do()
	if !refused(err) {
		return err
	}
	entry, err := k.kv.Get(ctx, g.device)
	switch {
	case errors.Is(err, jetstream.ErrKeyNotFound), err == nil && string(entry.Value()) != string(value):
		return ErrLost
	case err != nil:
		return err
	}
	g.revision = entry.Revision()
	if err = do(); refused(err) {
		return ErrLost
	}
	return err
}

// refused reports that a key's revision was another. Replicated streams have a
// code of their own for it.
func refused(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && (api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence ||
		api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant)
}

// Free reports whether none of the devices is held now.
func (k *Keeper) Free(ctx context.Context, devices []string) (bool, error) {
	for _, device := range devices {
		_, err := k.kv.Get(ctx, device)
		if err == nil {
			return false, nil
		}
		if !errors.Is(err, jetstream.ErrKeyNotFound) {
			return false, fmt.Errorf("look at lease of %s: %w", device, err)
		}
	}
	return true, nil
}
