package bus

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/fiord-bench/fiord/events"
)

// The streams and key-value buckets. The names are a contract with operators.
const (
	StreamEvents = "FIORD"
	StreamDead   = "FIORD_DEAD"
	StreamLive   = "FIORD_LIVE"

	BucketHosts    = "fiord-hosts"
	BucketLeases   = "fiord-leases"
	BucketTally    = "fiord-tally"
	BucketRefs     = "fiord-refs"
	BucketNotices  = "fiord-notices"
	BucketSilences = "fiord-silences"
	BucketAttempts = "fiord-attempts"
	BucketDrawn    = "fiord-drawn"
	BucketStarts   = "fiord-starts"
	BucketBarriers = "fiord-barriers"
	// BucketTakenBack lists grants that were taken back.
	BucketTakenBack = "fiord-taken-back"
)

// Buckets are all buckets.
func Buckets() []string {
	return []string{BucketHosts, BucketLeases, BucketTally, BucketRefs, BucketNotices, BucketSilences, BucketAttempts, BucketDrawn, BucketStarts, BucketBarriers, BucketTakenBack}
}

const (
	subjectEvents  = "fiord.events.>"
	redrivePrefix  = "fiord.redrive."
	deadPrefix     = "fiord.dead."
	subjectRedrive = redrivePrefix + ">"
	subjectDead    = deadPrefix + ">"
)

// Topology sizes what [Bus.Provision] makes.
type Topology struct {
	// Replicas of every stream and bucket: 1 on one server, 3 on a cluster.
	Replicas int
	// MaxConsumers of the event stream. One per bench host and a few per
	// reaction; the server refuses the 1,001st by default.
	MaxConsumers int
	// Retention of events and dead letters.
	Retention time.Duration
	// DuplicateWindow in which a message id is remembered.
	DuplicateWindow time.Duration
	// HostTTL after which the records of a host that does not beat are gone
	// from the registry. It counts as lost long before (registry.LostAfter);
	// its records stay so that inventory can tell, even after a restart.
	HostTTL time.Duration
	// Volatile keeps progress and the registry of hosts in memory. It suits a
	// server whose every start provisions, as fiord up's does: any other that is
	// restarted would be without them.
	Volatile bool
}

// DefaultTopology suits one server.
func DefaultTopology() Topology {
	return Topology{
		Replicas:        1,
		MaxConsumers:    10_000,
		Retention:       30 * 24 * time.Hour,
		DuplicateWindow: 10 * time.Minute,
		HostTTL:         time.Hour,
	}
}

// Provision makes the streams and buckets, or brings them in line with the
// topology. It may run any number of times, from several places at once.
func (b *Bus) Provision(ctx context.Context) error {
	t := b.opts.Topology
	for _, name := range []string{StreamLive, "KV_" + BucketHosts} {
		if err := b.moveStorage(ctx, name, t.passing()); err != nil {
			return err
		}
	}
	for _, cfg := range t.streams() {
		if _, err := b.js.CreateOrUpdateStream(ctx, cfg); err != nil {
			return fmt.Errorf("provision stream %s: %w", cfg.Name, err)
		}
	}
	for _, cfg := range t.buckets() {
		if cfg.Bucket == lastBucket {
			if err := b.migrate(ctx); err != nil {
				return err
			}
		}
		if _, err := b.js.CreateOrUpdateKeyValue(ctx, cfg); err != nil {
			return fmt.Errorf("provision bucket %s: %w", cfg.Bucket, err)
		}
		if err := b.forbidRollup(ctx, cfg.Bucket); err != nil {
			return err
		}
	}
	return nil
}

// forbidRollup keeps a header from removing what a subject does not name: in a
// bucket that guests write to, one of them could roll up all keys into its own.
func (b *Bus) forbidRollup(ctx context.Context, bucket string) error {
	if bucket == BucketNotices { // of one service alone, which removes keys with a marker that passes
		return nil
	}
	stream, err := b.js.Stream(ctx, "KV_"+bucket)
	if err != nil {
		return fmt.Errorf("provision bucket %s: %w", bucket, err)
	}
	cfg := stream.CachedInfo().Config
	if !cfg.AllowRollup {
		return nil
	}
	cfg.AllowRollup = false
	if _, err := b.js.UpdateStream(ctx, cfg); err != nil {
		return fmt.Errorf("provision bucket %s: %w", bucket, err)
	}
	return nil
}

// lastBucket is made when all else is there and migrated. Every user may read it,
// so that it says when services may begin.
const lastBucket = BucketTakenBack

// passing is the storage of what is renewed every few seconds anyway.
func (t Topology) passing() jetstream.StorageType {
	if t.Volatile {
		return jetstream.MemoryStorage
	}
	return jetstream.FileStorage
}

// moveStorage removes a stream that is kept elsewhere than it should be, so that
// it can be made anew: a server does not move streams, and these hold nothing that
// is not sent again within seconds.
func (b *Bus) moveStorage(ctx context.Context, name string, want jetstream.StorageType) error {
	stream, err := b.js.Stream(ctx, name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look up stream %s: %w", name, err)
	}
	if stream.CachedInfo().Config.Storage == want {
		return nil
	}
	if err := b.js.DeleteStream(ctx, name); err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
		return fmt.Errorf("make stream %s anew: %w", name, err)
	}
	return nil
}

// lookTimeout is how long one look at what was provisioned may take.
const lookTimeout = 3 * time.Second

// provisioned looks for the first and the last thing that is made.
func (b *Bus) provisioned(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	if _, err := b.js.Stream(ctx, StreamEvents); err != nil {
		return err
	}
	_, err := b.js.KeyValue(ctx, lastBucket)
	return err
}

// AwaitProvisioned waits until the streams and buckets have been provisioned.
func (b *Bus) AwaitProvisioned(ctx context.Context) error {
	for {
		err := b.provisioned(ctx)
		if err == nil {
			return nil
		}
		// Asked without the right to ask, the server never answers.
		if last := b.nc.LastError(); errors.Is(last, nats.ErrPermissionViolation) && strings.Contains(last.Error(), "$JS.API.STREAM.INFO.") {
			return fmt.Errorf("look up stream %s: %w: give this user the rights that fiord creds export writes, or check whose key it is", StreamEvents, last)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for stream %s: %w", StreamEvents, err)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func (t Topology) streams() []jetstream.StreamConfig {
	return []jetstream.StreamConfig{{
		Name:         StreamEvents,
		Description:  "fiord: every event, and events given again to one reaction",
		Subjects:     []string{subjectEvents, subjectRedrive},
		Retention:    jetstream.LimitsPolicy,
		Storage:      jetstream.FileStorage,
		MaxAge:       t.Retention,
		Duplicates:   t.DuplicateWindow,
		MaxConsumers: t.MaxConsumers,
		Replicas:     t.Replicas,
		MaxMsgSize:   2 * events.MaxData,
		// Not AllowDirect: a replica that lags would say that a run which has
		// ended has not.
	}, {
		Name:        StreamDead,
		Description: "fiord: events a reaction gave up on, with the reason",
		Subjects:    []string{subjectDead},
		Retention:   jetstream.LimitsPolicy,
		Storage:     jetstream.FileStorage,
		MaxAge:      t.Retention,
		Duplicates:  t.DuplicateWindow,
		Replicas:    t.Replicas,
	}, {
		Name:              StreamLive,
		Description:       "fiord: the latest progress of each run",
		Subjects:          []string{events.LivePrefix + ">"},
		Retention:         jetstream.LimitsPolicy,
		Storage:           t.passing(),
		MaxAge:            15 * time.Minute,
		MaxMsgsPerSubject: 1,
		Replicas:          t.Replicas,
		NoAck:             true,
	}}
}

func (t Topology) buckets() []jetstream.KeyValueConfig {
	return []jetstream.KeyValueConfig{
		{Bucket: BucketHosts, Storage: t.passing(), TTL: t.HostTTL, Replicas: t.Replicas,
			Description: "fiord: bench hosts, their beats and facts"},
		{Bucket: BucketLeases, Storage: jetstream.FileStorage, LimitMarkerTTL: time.Minute, Replicas: t.Replicas,
			Description: "fiord: devices that several hosts see"},
		{Bucket: BucketTally, Storage: jetstream.FileStorage, TTL: t.Retention, Replicas: t.Replicas,
			Description: "fiord: how each run of a bench ended"},
		{Bucket: BucketRefs, Storage: jetstream.FileStorage, Replicas: t.Replicas,
			Description: "fiord: the newest push of each repository and ref"},
		{Bucket: BucketNotices, Storage: jetstream.FileStorage, TTL: 2 * t.Retention, LimitMarkerTTL: time.Minute, Replicas: t.Replicas,
			Description: "fiord: who was told of what"},
		{Bucket: BucketSilences, Storage: jetstream.FileStorage, TTL: 2 * t.Retention, Replicas: t.Replicas,
			Description: "fiord: what people are not to be told of for a while, by whom and why"},
		{Bucket: BucketAttempts, Storage: jetstream.FileStorage, TTL: 7 * 24 * time.Hour, Replicas: t.Replicas,
			Description: "fiord: failed attempts at events not settled yet"},
		{Bucket: BucketDrawn, Storage: jetstream.FileStorage, TTL: t.Retention, Replicas: t.Replicas,
			Description: "fiord: runs that plot is done with"},
		{Bucket: BucketStarts, Storage: jetstream.FileStorage, TTL: 7 * 24 * time.Hour, Replicas: t.Replicas,
			Description: "fiord: how often fio was started for each run"},
		{Bucket: BucketBarriers, Storage: jetstream.FileStorage, TTL: 24 * time.Hour, Replicas: t.Replicas,
			Description: "fiord: which slots of a synchronised bench are ready"},
		{Bucket: BucketTakenBack, Storage: jetstream.FileStorage, Replicas: t.Replicas,
			Description: "fiord: keys whose grants were taken back, signed by the authority"},
	}
}
