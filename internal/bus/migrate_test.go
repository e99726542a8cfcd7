package bus_test

import (
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/bus/bustest"
)

// older makes a server as a version before left it, with keys of several meanings
// in one bucket.
func older(t *testing.T) *bus.Bus {
	t.Helper()
	b := bustest.NewServer(t).Bus("fiord/test")
	for _, bucket := range []string{bus.BucketDrawn, bus.BucketStarts, bus.BucketBarriers} {
		if err := b.JetStream().DeleteKeyValue(t.Context(), bucket); err != nil {
			t.Fatal(err)
		}
	}
	for bucket, keys := range map[string]map[string]string{
		bus.BucketTally:    {"bench.a": `{"slot":0}`, "bench.a.drawn": "a's end", "bench.b.drawn": "b's end"},
		bus.BucketAttempts: {"starts.a": "3 1", "starts.b": "1", "together.bench.0.1": "", "bench-host-1.17": `{}`},
	} {
		for key, value := range keys {
			if _, err := keyValue(t, b, bucket).PutString(t.Context(), key, value); err != nil {
				t.Fatal(err)
			}
		}
	}
	return b
}

func keyValue(t *testing.T, b *bus.Bus, bucket string) jetstream.KeyValue {
	t.Helper()
	kv, err := b.JetStream().KeyValue(t.Context(), bucket)
	if err != nil {
		t.Fatal(err)
	}
	return kv
}

// wantKeys asserts what a bucket holds.
func wantKeys(t *testing.T, b *bus.Bus, bucket string, want map[string]string) {
	t.Helper()
	kv := keyValue(t, b, bucket)
	lister, err := kv.ListKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for key := range lister.Keys() {
		found++
		entry, err := kv.Get(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		if value, ok := want[key]; !ok || value != string(entry.Value()) {
			t.Errorf("%s holds %s: %q, want %q", bucket, key, entry.Value(), value)
		}
	}
	if found != len(want) {
		t.Errorf("%s holds %d keys, want %d", bucket, found, len(want))
	}
}

func TestKeysOfTheLayoutBeforeMoveToTheirBuckets(t *testing.T) {
	b := older(t)
	for range 2 { // the second time there is nothing left to do
		if err := b.Provision(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantKeys(t, b, bus.BucketDrawn, map[string]string{"bench.a": "a's end", "bench.b": "b's end"})
		wantKeys(t, b, bus.BucketStarts, map[string]string{"a": "3 1", "b": "1"})
		wantKeys(t, b, bus.BucketTally, map[string]string{"bench.a": `{"slot":0}`})
		wantKeys(t, b, bus.BucketAttempts, map[string]string{"together.bench.0.1": "", "bench-host-1.17": `{}`})
	}
}

func TestWhatIsAtItsNewPlaceStays(t *testing.T) {
	b := older(t)
	if err := b.Provision(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := keyValue(t, b, bus.BucketStarts).PutString(t.Context(), "a", "4 1"); err != nil {
		t.Fatal(err)
	}
	// A worker of the version before goes on counting where it did.
	if _, err := keyValue(t, b, bus.BucketAttempts).PutString(t.Context(), "starts.a", "3 1"); err != nil {
		t.Fatal(err)
	}
	if err := b.Provision(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantKeys(t, b, bus.BucketStarts, map[string]string{"a": "4 1", "b": "1"})
}
