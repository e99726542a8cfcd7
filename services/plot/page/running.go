package page

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/figure"
	"github.com/fiord-bench/fiord/services/plot/index"
)

// running is a run that fio works on, written out.
type running struct {
	events.Progress
	Percent int // 0 to 100
	Unknown bool
	Text    string
	Left    string
}

// writtenProgress writes out how far runs are.
func writtenProgress(list []events.Progress) []running {
	var out []running
	for _, p := range list {
		r := running{Progress: p, Percent: int(max(0, min(100, p.Percent))), Unknown: p.Percent < 0, Text: rates(p)}
		if p.ETA > 0 {
			r.Left = time.Duration(p.ETA).Round(time.Second).String() + " left"
		}
		out = append(out, r)
	}
	return out
}

// rates are the figures of a run's last second.
func rates(p events.Progress) string {
	var parts []string
	for _, d := range events.Directions() {
		if v, ok := p.IOPS[d]; ok && v > 0 {
			text := d + " " + figure.IOPS.Format(v)
			if ns := p.LatencyNS[d]; ns > 0 {
				text += ", " + latency(ns)
			}
			parts = append(parts, text)
		}
	}
	return strings.Join(parts, " · ")
}

// waiting says what a bench waits for that no run is measured of: a host that
// measures something else, a worker, or the placement.
func (h *Handler) waiting(ctx context.Context, r index.Row) string {
	b, err := h.source.Bench(ctx, r.ID)
	if err != nil {
		return ""
	}
	switch {
	case b.Second != "":
		return "measured again to confirm a regression"
	case b.Placed == nil:
		return "waits for inventory to place it"
	case r.Planned > 0 && r.Over == r.Planned:
		return "waits for its report"
	case b.Request == nil:
		return "waits for a worker"
	}
	t := b.Request.Targets
	for _, host := range t.Hosts {
		for _, p := range h.feed.Running("") {
			if p.Host == host && p.Bench != r.ID {
				return fmt.Sprintf("waits for %s, which runs %s", host, p.Name)
			}
		}
	}
	switch {
	case len(t.Hosts) > 0:
		return "waits for " + strings.Join(t.Hosts[:min(3, len(t.Hosts))], ", ")
	case t.Group != "":
		return "waits for hosts of the group " + t.Group
	case t.Pool != "":
		return "waits for a worker of the pool " + t.Pool
	}
	return "waits for a worker of the pool default"
}
