// Package outbox sends the ends of attempts from the host's disk to the store
// and the bus: the artifacts first, then the event that names them.
package outbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path"
	"strings"
	"time"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/host/runner"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/services/bench/spool"
	"github.com/fiord-bench/fiord/services/bench/throttle"
)

// source names the service in events.
const source = "fiord/bench"

const (
	// shipPatience is how long a run's end may hold up the next run. What is
	// not shipped by then waits in the spool.
	shipPatience = 20 * time.Second
	// shipEvery is how often what waits in the spool is tried again.
	shipEvery = 5 * time.Second
	// logSetFile names the document that lists the logs.
	logSetFile = "logs.json"
)

// End is the outbox's part of a spool entry: the terminal event to publish.
type End struct {
	Cause json.RawMessage `json:"cause"`
	Type  events.Type     `json:"type"`
	Data  any             `json:"data"`
}

// Outbox ships the entries of a spool. All fields are required.
type Outbox struct {
	Spool *spool.Spool
	Limit int64 // bytes of the spool, for the log
	Store *artifacts.Store
	Bus   *bus.Bus
	Log   *slog.Logger
	// Idle reports that nothing is measured on the host.
	Idle func() bool
	// Ended is called with each terminal event that was published.
	Ended func(e bus.Ending, as events.Type)

	failing throttle.Failure
}

// ShipNow ships what waits, the end of the run that just ended above all. It
// takes 20 seconds at most: what is not shipped by then waits in the spool.
func (o *Outbox) ShipNow(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shipPatience)
	defer cancel()
	o.shipAll(ctx)
}

// Run tries again, every five seconds until the context ends, what could not be
// shipped. It does so between runs only: uploading beside a measurement would
// disturb it.
func (o *Outbox) Run(ctx context.Context) {
	tick := time.NewTicker(shipEvery)
	defer tick.Stop()
	for {
		if o.Idle() {
			o.shipAll(ctx)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (o *Outbox) shipAll(ctx context.Context) {
	err := o.Spool.Ship(ctx, o.ship)
	if ctx.Err() != nil {
		return
	}
	if err == nil {
		if since := o.failing.Recovered(); since > 0 {
			o.Log.Info("results are shipped again", "after", since)
		}
		return
	}
	if !o.failing.ShouldLog() {
		return
	}
	used, sizeErr := o.Spool.Used()
	o.Log.Warn("results wait in the spool", "bytes", used, "limit", o.Limit, "error", errors.Join(err, sizeErr))
}

// ship stores an attempt's files, then publishes its end. Both may be repeated
// without another effect.
func (o *Outbox) ship(ctx context.Context, e spool.Entry) error {
	var sent struct {
		Cause json.RawMessage `json:"cause"`
		Type  events.Type     `json:"type"`
		Data  json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(e.End, &sent); err != nil {
		return fmt.Errorf("read end: %w", err)
	}
	cause, err := events.Unmarshal(sent.Cause)
	if err != nil {
		return fmt.Errorf("read cause: %w", err)
	}
	var of events.RunRef
	if err := json.Unmarshal(sent.Data, &of); err != nil {
		return fmt.Errorf("read end: %w", err)
	}
	kept, logs, err := o.put(ctx, e, of.Host)
	if errors.Is(err, artifacts.ErrExists) {
		// Starts are counted by compare-and-set, so this is a store that was
		// restored or tampered with. The files here are the run's own.
		o.Log.Error("artifacts of this attempt exist with other content", "run_id", e.Run, "attempt", e.Attempt, "error", err)
		return o.shipClash(ctx, e, cause, err)
	}
	if err != nil {
		return err
	}
	data, err := sealed(sent.Type, sent.Data, kept, logs)
	if err != nil {
		return err
	}
	return o.publishEnd(ctx, e, cause, data)
}

func (o *Outbox) publishEnd(ctx context.Context, e spool.Entry, cause events.Event, data events.Data) error {
	ending, err := o.Bus.End(ctx, events.New(source, e.Run, &cause, data))
	if err != nil {
		return err
	}
	o.Ended(ending, data.EventType())
	o.Log.Info("run ended", "run_id", e.Run, "attempt", e.Attempt, "end", ending.Event.Type, "ours", ending.Won)
	return nil
}

// put stores the files of an entry below the prefix of the host that measured.
func (o *Outbox) put(ctx context.Context, e spool.Entry, host string) (kept []events.Artifact, logs *events.ClaimCheck, err error) {
	var set events.LogSet
	for _, f := range e.Files {
		claim, err := o.putFile(ctx, e, host, f)
		if err != nil {
			return nil, nil, err
		}
		a := events.Artifact{Name: f.Name, ClaimCheck: claim}
		if strings.HasPrefix(f.Name, runner.LogDir+"/") {
			set.Logs = append(set.Logs, a)
		} else {
			kept = append(kept, a)
		}
	}
	if len(set.Logs) == 0 {
		return kept, nil, nil
	}
	listing, err := json.Marshal(set)
	if err != nil {
		return nil, nil, fmt.Errorf("encode list of logs: %w", err)
	}
	claim, err := o.Store.Put(ctx, artifacts.RunKey(host, e.Run, e.Attempt, logSetFile), "application/json", bytes.NewReader(listing))
	return kept, &claim, err
}

func (o *Outbox) putFile(ctx context.Context, e spool.Entry, host string, f spool.File) (events.ClaimCheck, error) {
	file, err := os.Open(o.Spool.Path(e, f))
	if err != nil {
		return events.ClaimCheck{}, err
	}
	defer func() { _ = file.Close() }()
	dir, name := path.Split(f.Name)
	key := artifacts.RunKey(host, e.Run, e.Attempt, dir+artifacts.SafeName(name))
	if f.Compress {
		return o.Store.PutCompressed(ctx, key+artifacts.SuffixZstd, file)
	}
	return o.Store.Put(ctx, key, f.MediaType, file)
}

// sealed is the terminal with its artifacts.
func sealed(t events.Type, raw json.RawMessage, kept []events.Artifact, logs *events.ClaimCheck) (events.Data, error) {
	switch t {
	case events.TypeRunCompleted:
		d, err := decode[events.RunCompleted](raw)
		d.Artifacts, d.Logs = kept, logs
		return d, err
	case events.TypeRunFailed:
		d, err := decode[events.RunFailed](raw)
		d.Artifacts = kept
		return d, err
	case events.TypeRunCancelled:
		d, err := decode[events.RunCancelled](raw)
		d.Artifacts = kept
		return d, err
	default:
		return nil, fmt.Errorf("spool holds an end of type %s", t)
	}
}

func decode[T any](raw json.RawMessage) (T, error) {
	var d T
	if err := json.Unmarshal(raw, &d); err != nil {
		return d, fmt.Errorf("read end: %w", err)
	}
	return d, nil
}

// shipClash fails a run whose artifacts cannot be stored.
func (o *Outbox) shipClash(ctx context.Context, e spool.Entry, cause events.Event, why error) error {
	var end struct {
		Data struct{ events.RunRef } `json:"data"`
	}
	if err := json.Unmarshal(e.End, &end); err != nil {
		return fmt.Errorf("read end: %w", err)
	}
	return o.publishEnd(ctx, e, cause, events.RunFailed{
		RunRef: end.Data.RunRef, EndedAt: time.Now().UTC(), Reason: events.Clip("its results cannot be stored: "+why.Error(), events.MaxReason),
	})
}
