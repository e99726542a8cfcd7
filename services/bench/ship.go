package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"strings"
	"time"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/host/runner"
	"github.com/fiord-bench/fiord/services/bench/spool"
)

const (
	// shipPatience is how long a run's end may hold up the next run. What is
	// not shipped by then waits in the spool.
	shipPatience = 20 * time.Second
	// shipEvery is how often what waits in the spool is tried again.
	shipEvery = 5 * time.Second
	// logSetFile names the document that lists the logs.
	logSetFile = "logs.json"
)

// shipment is the shipper's part of a spool entry: the terminal to publish.
type shipment struct {
	Cause json.RawMessage `json:"cause"`
	Type  events.Type     `json:"type"`
	Data  any             `json:"data"`
}

// shipSoon ships what waits, this run's end above all, within shipPatience.
func (s *Service) shipSoon(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shipPatience)
	defer cancel()
	s.shipAll(ctx)
}

// shipUntil tries again what could not be shipped, between runs: uploading
// beside a measurement would disturb it.
func (s *Service) shipUntil(ctx context.Context) {
	tick := time.NewTicker(shipEvery)
	defer tick.Stop()
	for {
		if s.quiet() {
			s.shipAll(ctx)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (s *Service) quiet() bool {
	s.state.mu.Lock()
	defer s.state.mu.Unlock()
	return len(s.state.running) == 0
}

func (s *Service) shipAll(ctx context.Context) {
	err := s.spool.Ship(ctx, s.ship)
	if ctx.Err() != nil {
		return
	}
	if err == nil {
		if since := s.shipping.over(); since > 0 {
			s.log.Info("results are shipped again", "after", since)
		}
		return
	}
	if !s.shipping.told() {
		return
	}
	used, sizeErr := s.spool.Used()
	s.log.Warn("results wait in the spool", "bytes", used, "limit", int64(s.cfg.SpoolLimit), "error", errors.Join(err, sizeErr)) //nolint:gosec // bounded
}

// ship stores an attempt's files, then publishes its end. Both may be repeated
// without another effect.
func (s *Service) ship(ctx context.Context, e spool.Entry) error {
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
	kept, logs, err := s.put(ctx, e)
	if errors.Is(err, artifacts.ErrExists) {
		// Starts are counted by compare-and-set, so this is a store that was
		// restored or tampered with. The files here are the run's own.
		s.log.Error("artifacts of this attempt exist with other content", "run_id", e.Run, "attempt", e.Attempt, "error", err)
		return s.shipClash(ctx, e, cause, err)
	}
	if err != nil {
		return err
	}
	data, err := sealed(sent.Type, sent.Data, kept, logs)
	if err != nil {
		return err
	}
	return s.publishEnd(ctx, e, cause, data)
}

func (s *Service) publishEnd(ctx context.Context, e spool.Entry, cause events.Event, data events.Data) error {
	ending, err := s.bus.End(ctx, events.New(source, e.Run, &cause, data))
	if err != nil {
		return err
	}
	s.ended(ending, data.EventType())
	s.log.Info("run ended", "run_id", e.Run, "attempt", e.Attempt, "end", ending.Event.Type, "ours", ending.Won)
	return nil
}

// put stores the files of an entry.
func (s *Service) put(ctx context.Context, e spool.Entry) (kept []events.Artifact, logs *events.ClaimCheck, err error) {
	var set events.LogSet
	for _, f := range e.Files {
		claim, err := s.putFile(ctx, e, f)
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
	claim, err := s.store.Put(ctx, artifacts.RunKey(e.Run, e.Attempt, logSetFile), "application/json", bytes.NewReader(listing))
	return kept, &claim, err
}

func (s *Service) putFile(ctx context.Context, e spool.Entry, f spool.File) (events.ClaimCheck, error) {
	file, err := os.Open(s.spool.Path(e, f))
	if err != nil {
		return events.ClaimCheck{}, err
	}
	defer func() { _ = file.Close() }()
	dir, name := path.Split(f.Name)
	key := artifacts.RunKey(e.Run, e.Attempt, dir+artifacts.SafeName(name))
	if f.Compress {
		return s.store.PutCompressed(ctx, key+artifacts.SuffixZstd, file)
	}
	return s.store.Put(ctx, key, f.MediaType, file)
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
func (s *Service) shipClash(ctx context.Context, e spool.Entry, cause events.Event, why error) error {
	var end struct {
		Data struct{ events.RunRef } `json:"data"`
	}
	if err := json.Unmarshal(e.End, &end); err != nil {
		return fmt.Errorf("read end: %w", err)
	}
	return s.publishEnd(ctx, e, cause, events.RunFailed{
		RunRef: end.Data.RunRef, EndedAt: now(), Reason: clip("its results cannot be stored: "+why.Error(), 2048),
	})
}
