package bus_test

import (
	"testing"
	"time"

	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/bus/bustest"
	"github.com/fiord-bench/fiord/internal/proof"
)

// BenchmarkConsumeProven compares a reaction that verifies who made each event with
// one that does not, over the same signed events of one signer, in turn. What
// verifying costs is proven less plain, in processor time of an event.
func BenchmarkConsumeProven(b *testing.B) {
	for _, c := range sizes() {
		b.Run(c.name, func(b *testing.B) {
			const n = 20_000
			s := bustest.NewServer(b)
			o := bustest.NewAuthority(b).User(proof.Grant{Kind: proof.Service, Name: "bench"}, proof.Required)
			proven, plain := s.BusWith(o), s.BusWith(bus.Options{Source: "fiord/bench"})
			typ := c.data("x").EventType()
			fill(b, plain, o.Signer, c.data, n)
			var spent, cpu [2]time.Duration
			rounds := 0
			for b.Loop() {
				for i, reader := range []*bus.Bus{plain, proven} {
					begun := spentCPU(b)
					spent[i] += consumeOurs(b, reader, typ, 2*rounds+i, n)
					cpu[i] += spentCPU(b) - begun
				}
				rounds++
			}
			total := float64(rounds * n)
			b.ReportMetric(total/spent[0].Seconds(), "plain/s")
			b.ReportMetric(total/spent[1].Seconds(), "proven/s")
			b.ReportMetric(cpu[0].Seconds()*1e6/total, "plain-cpu-µs")
			b.ReportMetric(cpu[1].Seconds()*1e6/total, "proven-cpu-µs")
			b.ReportMetric(cpu[1].Seconds()/cpu[0].Seconds(), "cpu-ratio")
		})
	}
}
