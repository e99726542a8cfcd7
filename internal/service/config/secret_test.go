package config_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/internal/service/config"
)

func TestNoWayOfPrintingShowsASecret(t *testing.T) {
	const plain = "hunter2-hunter2"
	type holder struct {
		Public config.Secret
		hidden config.Secret // fmt reads this one without asking its methods
	}
	h := holder{Public: config.NewSecret(plain), hidden: config.NewSecret(plain)}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb+" "+verb+"\n", h, h.Public)
		fmt.Fprintf(&out, verb+"\n", &h)
	}
	fmt.Fprintln(&out, fmt.Errorf("bad: %v", h.Public))
	slog.New(slog.NewTextHandler(&out, nil)).Info("text", "secret", h.Public, "holder", h)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("json", "secret", h.Public, "holder", h)
	if err := json.NewEncoder(&out).Encode(h); err != nil {
		t.Fatal(err)
	}
	if text := out.String(); strings.Contains(text, plain) || strings.Contains(text, fmt.Sprintf("%x", plain)) {
		t.Errorf("the secret shows:\n%s", text)
	}
	if h.Public.Reveal() != plain || h.hidden.Reveal() != plain {
		t.Error("Reveal must return the secret")
	}
}

func TestSecretsCompareByValue(t *testing.T) {
	a, b, zero := config.NewSecret("a"), config.NewSecret("a"), config.Secret{}
	if !a.Equal(b) || a.Equal(config.NewSecret("b")) || a.Equal(zero) || !zero.Equal(config.NewSecret("")) || !zero.IsZero() {
		t.Error("secrets must be equal exactly when their values are")
	}
}
