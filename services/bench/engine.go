package bench

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/fiord-bench/fiord/host/process"
	"github.com/fiord-bench/fiord/host/runner"
	"github.com/fiord-bench/fiord/internal/volume"
	"github.com/fiord-bench/fiord/services/bench/docker"
	"github.com/fiord-bench/fiord/services/bench/hook"
	"github.com/fiord-bench/fiord/services/bench/mark"
	"github.com/fiord-bench/fiord/services/bench/plan"
)

// opened is what fio runs in.
type opened struct {
	runner runner.Runner
	remote bool // it sees another file system than this worker
	close  func()
}

// memoryOfContainers is their limit where a bench names none, 0 for none: of an
// engine on another machine only its owner's setting says how much that has.
func (s *Service) memoryOfContainers() int64 {
	if s.cfg.remote() && s.cfg.MaxMemory == 0 {
		return 0
	}
	return int64(min(s.cfg.memory(), 1<<62)) //nolint:gosec // bounded
}

// engineProbe is how long an engine has to answer before "auto" takes it for
// absent.
const engineProbe = 3 * time.Second

// openRunner chooses what fio runs in. With "docker" the engine may be away
// now: lists then wait in hand until it answers.
func (s *Service) openRunner(ctx context.Context) (opened, error) {
	if s.cfg.Runner == runnerProcess {
		return s.useProcess(nil)
	}
	own, err := s.cfg.mark(s.token)
	if err != nil {
		return opened{}, err
	}
	engine, err := docker.New(docker.Config{
		Address: s.cfg.Docker.Address, CertDir: s.cfg.Docker.CertDir,
		Image: s.cfg.Docker.Image, Pull: s.cfg.Docker.Pull,
		Host: own.Own, Former: own.Former, Hooks: s.hooks(), Log: s.log,
		Memory:  s.memoryOfContainers(),
		Volumes: plan.Volumes{Policy: s.cfg.Volumes.policy(), Places: s.places()},
	})
	if err != nil {
		return opened{}, err
	}
	closeEngine := func() { _ = engine.Close() }
	if s.cfg.Runner == runnerAuto {
		probe, cancel := context.WithTimeout(ctx, engineProbe)
		defer cancel()
		err := engine.Ping(probe)
		switch {
		case err != nil && s.cfg.Process.Fallback:
			closeEngine()
			return s.useProcess(err)
		case err != nil:
			s.log.Warn("no container engine answers, so runs wait for one: start it, or allow plain processes by bench.runner: process, or by bench.process.fallback: true",
				"engine", s.cfg.Docker.Address, "error", err)
		}
	}
	s.log.Info("fio runs in containers", "engine", s.cfg.Docker.Address, "image", s.cfg.Docker.Image)
	return opened{engine, engine.Remote(), closeEngine}, nil
}

func (s *Service) useProcess(because error) (opened, error) {
	options, err := s.cfg.Process.options()
	if err != nil {
		return opened{}, err
	}
	own, err := s.cfg.mark(s.token)
	if err != nil {
		return opened{}, err
	}
	options.Former = own.Former
	r, err := process.New(s.cfg.Fio, own.Own, options)
	if err != nil {
		return opened{}, errors.Join(err, because)
	}
	if len(s.cfg.Hooks) > 0 {
		return opened{}, fmt.Errorf("hooks are configured, and no container engine is used: %w", errors.Join(runner.ErrUnsupported, because))
	}
	log := s.log.With("binary", s.cfg.Fio)
	if because != nil { // it was not asked for
		log = log.With("because", because)
	}
	confined := r.Sandbox()
	log.Info("fio runs as a plain process", "sandbox", strings.Join(confined.Whole(), ", "))
	if len(confined.Lacks()) > 0 {
		log.Warn("the sandbox of plain processes is not whole", "missing", strings.Join(confined.Lacks(), ", "))
	}
	return opened{r, false, func() {}}, nil
}

// options are what the host's owner decided about plain processes.
func (p Process) options() (process.Options, error) {
	account, err := process.Account(p.User)
	if err != nil {
		return process.Options{}, fmt.Errorf("configure process.user: %w", err)
	}
	return process.Options{Sandbox: process.Sandboxed(p.Sandbox), Account: account}, nil
}

// places judges the paths in options of volumes.
func (s *Service) places() volume.Places { return plan.Places(s.guard, s.cfg.remote()) }

// hooks are the operator's adapters, nil for none.
func (s *Service) hooks() docker.Hooks {
	if len(s.cfg.Hooks) == 0 {
		return nil
	}
	chain := make(hook.Chain, len(s.cfg.Hooks))
	for i, h := range s.cfg.Hooks {
		chain[i] = hook.Adapter{URL: h.URL, Timeout: h.Timeout}
	}
	return chain
}

// mark is borne by what this worker starts, for its next start to find.
func (c Config) mark(token string) (mark.Mark, error) { return mark.Open(c.StateDir, token) }
