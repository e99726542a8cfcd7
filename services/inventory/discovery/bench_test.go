package discovery_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	awsec2 "github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

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

// fleetVariable has this test binary serve an API with so many machines, in
// place of running tests: in a process of its own, the API's processor time
// and memory are nobody else's.
const fleetVariable = "FIORD_TEST_EC2_FLEET"

func TestMain(m *testing.M) {
	if n, err := strconv.Atoi(os.Getenv(fleetVariable)); err == nil {
		os.Exit(serve(n))
	}
	os.Exit(m.Run())
}

// serve serves until standard input ends, and prints its address.
func serve(n int) int {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fake := &ec2test.Server{Account: "123456789012", Regions: map[string][]ec2test.Instance{"r": ec2test.Fleet(n)}}
	go http.Serve(listener, fake) //nolint:gosec,errcheck // ends with the process
	fmt.Println("http://" + listener.Addr().String())
	_, _ = io.Copy(io.Discard, os.Stdin)
	return 0
}

// fleet starts an API with n machines in a process of its own.
func fleet(b *testing.B, n int) (url string) {
	b.Helper()
	ec2test.Credentials(b)
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env, cmd.Stderr = append(os.Environ(), fleetVariable+"="+strconv.Itoa(n)), os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	return strings.TrimSpace(line)
}

// BenchmarkInventory discovers machines and writes every format to files, and
// compares with the bare calls of the SDK in the same run: the same requests to
// an API in another process. Both are processor time of the whole process, the
// collection of garbage included. over-cpu-s is what the inventory takes beyond
// the calls, peak-MiB the most memory that the process had meanwhile.
func BenchmarkInventory(b *testing.B) {
	for _, n := range []int{10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			url := fleet(b, n)
			cfg, err := discovery.Parse(fmt.Appendf(nil, features, url), ".", nil)
			if err != nil {
				b.Fatal(err)
			}
			bare(b, url, n) // fills the API's cache of pages
			var calls, whole time.Duration
			var peak int64
			for b.Loop() {
				calls += spent(b, func() { bare(b, url, n) })
				whole += spent(b, func() { generate(b, cfg, n) })
				peak = max(peak, status(b, "VmHWM"))
			}
			b.ReportMetric(calls.Seconds()/float64(b.N), "bare-cpu-s")
			b.ReportMetric((whole-calls).Seconds()/float64(b.N), "over-cpu-s")
			b.ReportMetric(float64(peak)/1024, "peak-MiB")
		})
	}
}

// spent is the processor time that f takes in this process. Both sides start
// with an empty heap and end with the garbage that they have made collected.
func spent(b *testing.B, f func()) time.Duration {
	b.Helper()
	debug.FreeOSMemory()
	// The peak of the memory in use starts again from here.
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
		b.Fatal(err)
	}
	start := cpu(b)
	f()
	runtime.GC()
	return cpu(b) - start
}

// cpu is the processor time that this process has used.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// status is a figure of /proc/self/status, in KiB.
func status(b *testing.B, key string) int64 {
	b.Helper()
	raw, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(raw)) {
		if value, ok := strings.CutPrefix(line, key+":"); ok {
			kib, err := strconv.ParseInt(strings.Fields(value)[0], 10, 64)
			if err != nil {
				b.Fatal(err)
			}
			return kib
		}
	}
	b.Fatalf("/proc/self/status has no %s", key)
	return 0
}

// bare walks the pages with the SDK, with the same requests as discovery makes,
// and does nothing with them.
func bare(b *testing.B, url string, n int) {
	b.Helper()
	cfg, err := config.LoadDefaultConfig(b.Context(), config.WithRegion("r"), config.WithBaseEndpoint(url))
	if err != nil {
		b.Fatal(err)
	}
	pages := awsec2.NewDescribeInstancesPaginator(awsec2.NewFromConfig(cfg), &awsec2.DescribeInstancesInput{
		MaxResults: aws.Int32(1000),
		Filters:    []types.Filter{{Name: aws.String("instance-state-name"), Values: []string{"running", "pending", "stopping", "stopped"}}},
	})
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

// generate makes the inventory and writes all its files.
func generate(b *testing.B, cfg *discovery.Config, n int) {
	b.Helper()
	snapshot, err := cfg.Discover(b.Context(), nil, nil)
	if err != nil || len(snapshot.Instances) != n {
		b.Fatal(err, len(snapshot.Instances), snapshot.Sources)
	}
	inv, err := ansible.Build(snapshot, &cfg.Inventory, nil)
	if err != nil || len(inv.Hosts) != n {
		b.Fatal(err, len(inv.Hosts))
	}
	dir := b.TempDir()
	outputs := map[string]io.Writer{}
	for _, name := range ansible.Files() {
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			b.Fatal(err)
		}
		defer func() {
			_ = f.Close()
			_ = os.Remove(f.Name()) // before the next round writes another gigabyte
		}()
		outputs[name] = f
	}
	if err := inv.Write(outputs); err != nil {
		b.Fatal(err)
	}
}
