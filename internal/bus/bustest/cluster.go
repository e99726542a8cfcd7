package bustest

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/nats-io/nats.go"

	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/natsd"
)

// Cluster is three NATS servers in one process, with streams of three
// replicas: what fiord runs on beyond one machine.
type Cluster struct {
	t       testing.TB
	options []natsd.Options
	servers []*natsd.Server
}

// NewCluster starts a cluster that ends with the test, and provisions it. Its
// servers listen on ports of their own: one that does not listen does not route.
func NewCluster(t testing.TB) *Cluster {
	t.Helper()
	c := &Cluster{t: t, options: make([]natsd.Options, 3), servers: make([]*natsd.Server, 3)}
	ports := freePorts(t, 3)
	routes := fmt.Sprintf("nats://127.0.0.1:%d,nats://127.0.0.1:%d,nats://127.0.0.1:%d", ports[0], ports[1], ports[2])
	for i := range c.options {
		c.options[i] = natsd.Options{
			Name: fmt.Sprintf("n%d", i), StoreDir: t.TempDir(), Host: "127.0.0.1", Routes: routes,
			Cluster: &server.ClusterOpts{Name: "fiord", Host: "127.0.0.1", Port: ports[i]},
		}
		c.Start(i)
	}
	t.Cleanup(func() {
		for _, s := range c.servers {
			if s != nil {
				s.Close()
			}
		}
	})
	b := c.Bus(0, "fiord/test")
	for deadline := time.Now().Add(60 * time.Second); ; {
		// A request that finds no leader is not answered, so each try is short.
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		err := b.Provision(ctx)
		cancel()
		if err == nil {
			return c
		}
		if time.Now().After(deadline) {
			t.Fatalf("cluster not ready: %v", err)
		}
	}
}

// Bus connects to the i-th server.
func (c *Cluster) Bus(i int, source string) *bus.Bus {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	nc, err := bus.Connect(ctx, bus.Connection{Name: source, Extra: []nats.Option{nats.InProcessServer(member{c, i})}})
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(nc.Close)
	topology := bus.DefaultTopology()
	topology.Replicas = 3
	b, err := bus.New(bus.Options{Conn: nc, Source: source, Topology: topology})
	if err != nil {
		c.t.Fatal(err)
	}
	return b
}

// URL of the servers that run, for programs of their own.
func (c *Cluster) URL() string {
	var urls []string
	for _, s := range c.servers {
		if s != nil {
			urls = append(urls, s.URL())
		}
	}
	return strings.Join(urls, ",")
}

// Start starts the i-th server over its files.
func (c *Cluster) Start(i int) {
	c.t.Helper()
	s, err := natsd.Start(c.options[i])
	if err != nil {
		c.t.Fatal(err)
	}
	c.servers[i] = s
}

// Stop stops the i-th server.
func (c *Cluster) Stop(i int) {
	c.servers[i].Close()
	c.servers[i] = nil
}

// member dials whichever server stands at its place now.
type member struct {
	cluster *Cluster
	i       int
}

// InProcessConn connects to the server; it fails while the server is down.
func (m member) InProcessConn() (net.Conn, error) {
	s := m.cluster.servers[m.i]
	if s == nil {
		return nil, fmt.Errorf("server %d is down", m.i)
	}
	return s.NATS().InProcessConn()
}

func freePorts(t testing.TB, n int) []int {
	t.Helper()
	var ports []int
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports
}
