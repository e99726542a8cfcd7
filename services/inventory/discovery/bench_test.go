package discovery_test

import (
	"fmt"
	"io"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	awsec2 "github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/fiord-bench/fiord/services/inventory/ansible"
	"github.com/fiord-bench/fiord/services/inventory/discovery"
	"github.com/fiord-bench/fiord/services/inventory/ec2/ec2test"
)

// features are three keyed groups, a group and a composed variable.
const features = `
version: 1
sources: [{name: aws, ec2: {regions: [r], endpoint_url: %s}}]
hostnames: ['tag:Name']
keyed_groups:
  - {key: tags.Role, prefix: role}
  - {key: instance_type, prefix: type}
  - {key: placement.availability_zone, prefix: az}
groups: {production: "tags.Environment == 'prod'"}
compose: {ansible_user: "'ec2-user' if architecture == 'x86_64' else 'root'"}
`

// cpu is the processor time that this process has used.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkInventory discovers machines and writes every format, and compares
// with the bare calls of the SDK in the same run. over-cpu-s is what it takes
// beyond them, two collections of garbage for the measurement included.
func BenchmarkInventory(b *testing.B) {
	for _, n := range []int{10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			fake := &ec2test.Server{Account: "123456789012", Regions: map[string][]ec2test.Instance{"r": ec2test.Fleet(n)}}
			fake.Start(b)
			cfg, err := discovery.Parse(fmt.Appendf(nil, features, fake.URL()), ".")
			if err != nil {
				b.Fatal(err)
			}
			bare(b, fake.URL(), n) // fills the fake's cache of pages
			runtime.GC()
			var over, held float64
			for b.Loop() {
				start := cpu(b)
				bare(b, fake.URL(), n)
				middle := cpu(b)
				held = max(held, generate(b, cfg, n))
				over += ((cpu(b) - middle) - (middle - start)).Seconds()
			}
			b.ReportMetric(over/float64(b.N), "over-cpu-s")
			b.ReportMetric(held/(1<<20), "held-MiB")
		})
	}
}

// bare walks the pages with the SDK and does nothing with them.
func bare(b *testing.B, url string, n int) {
	cfg, err := config.LoadDefaultConfig(b.Context(), config.WithRegion("r"), config.WithBaseEndpoint(url), config.WithRetryMaxAttempts(10))
	if err != nil {
		b.Fatal(err)
	}
	pages := awsec2.NewDescribeInstancesPaginator(awsec2.NewFromConfig(cfg), &awsec2.DescribeInstancesInput{MaxResults: aws.Int32(1000)})
	seen := 0
	for pages.HasMorePages() {
		page, err := pages.NextPage(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		for _, r := range page.Reservations {
			seen += len(r.Instances)
		}
	}
	if seen != n {
		b.Fatalf("%d instances of %d", seen, n)
	}
}

// generate makes the inventory and returns the memory that snapshot and
// inventory hold together.
func generate(b *testing.B, cfg *discovery.Config, n int) float64 {
	before := heap()
	snapshot, err := cfg.Discover(b.Context(), nil, nil)
	if err != nil || len(snapshot.Instances) != n {
		b.Fatal(err, len(snapshot.Instances), snapshot.Sources)
	}
	inv, err := ansible.Build(snapshot, &cfg.Inventory, nil)
	if err != nil || len(inv.Hosts) != n {
		b.Fatal(err, len(inv.Hosts))
	}
	outputs := map[string]io.Writer{}
	for _, name := range ansible.Files() {
		outputs[name] = io.Discard
	}
	if err := inv.Write(outputs); err != nil {
		b.Fatal(err)
	}
	held := heap() - before
	runtime.KeepAlive(inv)
	return held
}

func heap() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}
