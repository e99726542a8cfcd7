// Package logging builds the logger that a program injects everywhere, and
// names the attributes that a line carries, so that a search for event_id
// finds the lines of all services.
package logging

import (
	"fmt"
	"io"
	"log/slog"
)

// Keys of the attributes that several packages log. Everything else is named
// where it is logged.
const (
	KeyService   = "service"
	KeyEventID   = "event_id"
	KeyEventType = "event_type"
	KeyBenchID   = "bench_id"
	KeyRunID     = "run_id"
	KeyHost      = "host"
	KeyAttempt   = "attempt"
	KeyError     = "error"
)

// Config says what is logged and how.
type Config struct {
	Format string     `config:"format" help:"how lines are written: json or text"`
	Level  slog.Level `config:"level" help:"least level that is written: debug, info, warn or error"`
}

// DefaultConfig logs JSON from info on.
func DefaultConfig() Config { return Config{Format: "json", Level: slog.LevelInfo} }

// Validate refuses an unknown format.
func (c Config) Validate() error {
	if c.Format != "json" && c.Format != "text" {
		return fmt.Errorf("log.format is %q: want json or text", c.Format)
	}
	return nil
}

// New returns a logger that writes to w. An unknown format writes text.
func New(w io.Writer, c Config) *slog.Logger {
	options := &slog.HandlerOptions{Level: c.Level}
	if c.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// Error is the attribute of an error.
func Error(err error) slog.Attr { return slog.Any(KeyError, err) }
