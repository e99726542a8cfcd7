package bus

import (
	"context"
	"log/slog"
)

// lazyHandler keeps a delivery's attributes aside until a line is written.
// Most events are handled without one, and formatting the attributes of each
// would cost more than handling it.
type lazyHandler struct {
	slog.Handler
	delivery *Delivery
}

func (h *lazyHandler) resolved() slog.Handler {
	d := h.delivery
	return h.Handler.WithAttrs([]slog.Attr{
		slog.String("event_id", d.Event.ID), slog.String("event_type", string(d.Event.Type)), slog.Int("attempt", d.Attempt),
	})
}

// Handle writes the line with the attributes.
func (h *lazyHandler) Handle(ctx context.Context, r slog.Record) error {
	return h.resolved().Handle(ctx, r)
}

// WithAttrs and WithGroup resolve: what follows belongs behind the attributes.
func (h *lazyHandler) WithAttrs(attrs []slog.Attr) slog.Handler { return h.resolved().WithAttrs(attrs) }

// WithGroup opens a group behind the attributes.
func (h *lazyHandler) WithGroup(name string) slog.Handler { return h.resolved().WithGroup(name) }
