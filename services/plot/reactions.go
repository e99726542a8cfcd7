package plot

import (
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/services/plot/render"
	"github.com/fiord-bench/fiord/services/plot/report"
)

// reactions are what the service does for events.
func reactions(cfg Config, figures *render.Renderer, reports *report.Reporter) []bus.Reaction {
	return []bus.Reaction{{
		Service: "plot", Name: "draw",
		Types:       []events.Type{events.TypeRunCompleted},
		Concurrency: cfg.Renderers,
		Handle:      figures.Draw, OnDead: figures.DrawNothing,
	}, {
		Service: "plot", Name: "tally",
		Types: []events.Type{
			events.TypePlotsRendered, events.TypeBenchPlaced,
			events.TypeRunFailed, events.TypeRunRejected, events.TypeRunCancelled, events.TypeRunExpired,
		},
		Concurrency: 8,
		Handle:      reports.Count, OnDead: reports.ReportNothing,
	}, {
		Service: "plot", Name: "cancel",
		Types:       []events.Type{events.TypeCancelRequested},
		Concurrency: 4,
		Handle:      reports.Cancel, OnDead: reports.CancelAnyway,
	}, {
		Service: "plot", Name: "confirm",
		Types:       []events.Type{events.TypeBenchReported, events.TypeBenchUnplaced, events.TypeBenchCancelled},
		Concurrency: 4,
		Handle:      reports.Confirmed, OnDead: reports.ConfirmNothing,
	}, {
		Service: "plot", Name: "archive",
		Types: []events.Type{
			events.TypeBenchRequested, events.TypeRunStarted, events.TypeBenchReported,
			events.TypeBenchUnplaced, events.TypeBenchCancelled, events.TypeBaselineAccepted,
		},
		Concurrency: 8,
		Handle:      reports.Record, OnDead: bus.OwesNothing,
	}}
}
