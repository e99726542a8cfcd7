package ingest_test

import (
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/access/accesstest"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/services/ingest"
)

// TestDeclaredRightsSuffice runs everything that ingest does with the rights
// that it declares: pushes, supersession, schedules, approvals, and dead letters.
func TestDeclaredRightsSuffice(t *testing.T) {
	guarded := accesstest.NewServer(t, map[string]*server.Permissions{"ingest": ingest.Needs(ingest.DefaultConfig()).Permissions(), "test": nil})
	s := newSiteOn(t, func(user string) *bus.Bus { return guarded.Bus("fiord/" + user) })
	c := s.repository("jobs", s.replica(func(cfg *ingest.Config) { cfg.ReconcileEvery = 100 * time.Millisecond }))
	c.write("fiord.yaml", "version: 1\non: {push: {}, schedule: [\"0 3 * * *\"]}\nbenches: [{name: a, jobs: [jobs/randread.fio]}]\n")
	benchAsked(t, s, c, "refs/heads/topic", jobFile)
	benchAsked(t, s, c, "refs/heads/topic", jobFile+"bs=8k\n")
	s.await(events.TypeCancelRequested)
	benchAsked(t, s, c, "refs/heads/main", jobFile+"bs=16k\n") // keeps the schedule
	s.approve(events.HashID("nothing"))
	b := s.bus("test")
	eventually(t, func() bool {
		for _, err := range b.DeadLetters(t.Context(), "ingest-approve") {
			return err == nil
		}
		return false
	})
	guarded.ExpectNoViolation()
}
