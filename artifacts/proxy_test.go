package artifacts_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/artifacts/artifactstest"
)

// fault says what befalls one connection. The zero value passes everything on.
type fault struct {
	cutUp     int64         // break it after so many bytes of the request
	cutDown   int64         // break it after so many bytes of the answer
	noAnswer  bool          // deliver the request, then break it at the answer's first byte
	status    int           // answer with this status instead of asking the server
	silence   bool          // accept, and never say anything
	perWrite  time.Duration // pass the answer on slowly
	corruptAt int64         // flip a bit of the answer after so many bytes
}

// proxy is a TCP proxy between a Store and its server; plan decides the fate of
// its n-th connection, from 0.
type proxy struct {
	t        *testing.T
	upstream string
	listener net.Listener
	plan     func(n int) fault
	accepted atomic.Int64
	wg       sync.WaitGroup
}

// faulty opens a Store whose connections meet faults.
func faulty(t *testing.T, cfg artifacts.Config, plan func(n int) fault) (*artifacts.Store, *proxy) {
	t.Helper()
	upstream, err := url.Parse(cfg.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{t: t, upstream: upstream.Host, listener: l, plan: plan}
	p.wg.Go(p.accept)
	cfg.Endpoint = "http://" + l.Addr().String()
	cfg.Backoff = 5 * time.Millisecond
	s, err := artifacts.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Close()
		_ = l.Close()
		p.wg.Wait()
	})
	return s, p
}

func (p *proxy) accept() {
	for {
		c, err := p.listener.Accept()
		if err != nil {
			return
		}
		f := p.plan(int(p.accepted.Add(1) - 1))
		p.wg.Go(func() { p.serve(c.(*net.TCPConn), f) })
	}
}

func (p *proxy) serve(client *net.TCPConn, f fault) {
	defer client.Close()
	switch {
	case f.silence:
		_, _ = io.Copy(io.Discard, client)
		return
	case f.status != 0:
		answerStatus(client, f.status)
		return
	}
	server, err := net.Dial("tcp", p.upstream)
	if err != nil {
		p.t.Error(err)
		return
	}
	defer server.Close()
	p.wg.Go(func() {
		copyUp(server, client, f)
		_ = server.(*net.TCPConn).CloseWrite()
	})
	copyDown(client, server, f)
	_ = client.SetLinger(0) // a reset, not a polite end
}

func copyUp(server, client net.Conn, f fault) {
	if f.cutUp > 0 {
		_, _ = io.CopyN(server, client, f.cutUp)
		_ = client.Close()
		return
	}
	_, _ = io.Copy(server, client)
}

func copyDown(client, server net.Conn, f fault) {
	if f.noAnswer {
		_, _ = server.Read(make([]byte, 1))
		return
	}
	var passed int64
	buf := make([]byte, 16<<10)
	for {
		n, err := server.Read(buf)
		if f.cutDown > 0 && passed+int64(n) >= f.cutDown {
			_, _ = client.Write(buf[:f.cutDown-passed])
			return
		}
		if at := f.corruptAt - passed; f.corruptAt > 0 && at >= 0 && at < int64(n) {
			buf[at] ^= 1
		}
		passed += int64(n)
		time.Sleep(f.perWrite)
		if _, werr := client.Write(buf[:n]); err != nil || werr != nil {
			return
		}
	}
}

func answerStatus(client net.Conn, status int) {
	req, err := http.ReadRequest(bufio.NewReader(client))
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, req.Body)
	resp := http.Response{StatusCode: status, ProtoMajor: 1, ProtoMinor: 1, Close: true, Request: req}
	_ = resp.Write(client)
}

// firstly meets the first n connections with f and leaves the others alone.
func firstly(n int, f fault) func(int) fault {
	return func(i int) fault {
		if i < n {
			return f
		}
		return fault{}
	}
}

// server starts an embedded server and returns its configuration and folder.
func server(t *testing.T) (artifacts.Config, string) {
	t.Helper()
	dir := t.TempDir()
	return artifactstest.Start(t, dir).Config(), dir
}
