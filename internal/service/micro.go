package service

import (
	"fmt"
	"os"
	"regexp"
	"runtime/debug"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"
)

// register makes the service answer $SRV.PING, INFO and STATS, so that
// `nats micro ls` shows what runs where.
func (a *App) register(nc *nats.Conn, undo *closers) error {
	host, err := os.Hostname()
	if err != nil {
		return fmt.Errorf("register service %s: %w", a.name, err)
	}
	svc, err := micro.AddService(nc, micro.Config{
		Name:        "fiord-" + a.name,
		Version:     semantic(a.version),
		Description: "fiord's " + a.name + " service",
		Metadata:    map[string]string{"host": host, "admin": a.AdminAddr()},
	})
	if err != nil {
		return fmt.Errorf("register service %s: %w", a.name, err)
	}
	undo.add(svc.Stop)
	return nil
}

// Version is the version of the running program: of its module, else 0.0.0-dev.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "0.0.0-dev"
	}
	return strings.TrimPrefix(info.Main.Version, "v")
}

// semantic returns version if it is one that NATS accepts, else 0.0.0.
func semantic(version string) string {
	if !semanticVersion.MatchString(version) {
		return "0.0.0"
	}
	return version
}

var semanticVersion = regexp.MustCompile(`^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$`)
