package logging_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/internal/service/logging"
)

func TestJSONLinesCarryTheAttributes(t *testing.T) {
	var out bytes.Buffer
	log := logging.New(&out, logging.DefaultConfig())
	log.Debug("below the level")
	log.Info("run ended", logging.KeyRunID, "r1", logging.Error(errors.New("boom")))
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatalf("want exactly one JSON line: %v\n%s", err, out.String())
	}
	if line["run_id"] != "r1" || line["error"] != "boom" || line["msg"] != "run ended" {
		t.Errorf("got %v", line)
	}
}

func TestTextAndLevel(t *testing.T) {
	var out bytes.Buffer
	logging.New(&out, logging.Config{Format: "text", Level: slog.LevelDebug}).Debug("seen", "a", 1)
	if got := out.String(); !strings.Contains(got, "level=DEBUG msg=seen a=1") {
		t.Errorf("got %q", got)
	}
}

func TestAnUnknownFormatIsRefused(t *testing.T) {
	if err := (logging.Config{Format: "xml"}).Validate(); err == nil {
		t.Error("xml must be refused")
	}
}
