package checkout_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/fiord-bench/fiord/services/ingest/checkout"
)

// sshServer gives out repositories to whoever holds the deploy key.
type sshServer struct {
	addr            string
	keyFile, hosts  string // of the client: deploy key, known_hosts
	strangerKeyFile string
}

func newKey(t *testing.T, file string) ssh.Signer {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

func newSSHServer(t *testing.T) *sshServer {
	t.Helper()
	if _, err := exec.LookPath("ssh"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("ssh is not installed: apt-get install openssh-client")
		}
		t.Skip("ssh is not installed: apt-get install openssh-client")
	}
	dir := t.TempDir()
	s := &sshServer{keyFile: filepath.Join(dir, "deploy key"), hosts: filepath.Join(dir, "known_hosts"), strangerKeyFile: filepath.Join(dir, "stranger")}
	deploy, host := newKey(t, s.keyFile), newKey(t, filepath.Join(dir, "host"))
	newKey(t, s.strangerKeyFile)
	cfg := &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if string(key.Marshal()) != string(deploy.PublicKey().Marshal()) {
			return nil, errors.New("unknown key")
		}
		return &ssh.Permissions{}, nil
	}}
	cfg.AddHostKey(host)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	s.addr = l.Addr().String()
	name, port, _ := net.SplitHostPort(s.addr)
	line := fmt.Sprintf("[%s]:%s %s", name, port, ssh.MarshalAuthorizedKey(host.PublicKey()))
	if err := os.WriteFile(s.hosts, []byte(line), 0o600); err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go serveSSH(conn, cfg)
		}
	}()
	return s
}

// serveSSH serves one connection; a client that is refused ends it.
func serveSSH(conn net.Conn, cfg *ssh.ServerConfig) {
	_, channels, requests, err := ssh.NewServerConn(conn, cfg)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for c := range channels {
		channel, requests, err := c.Accept()
		if err != nil {
			return
		}
		go serveSession(channel, requests)
	}
}

var uploadPack = regexp.MustCompile(`^git-upload-pack '([^']+)'$`)

func serveSession(channel ssh.Channel, requests <-chan *ssh.Request) {
	var env []string
	for r := range requests {
		switch r.Type {
		case "env":
			var kv struct{ Name, Value string }
			if ssh.Unmarshal(r.Payload, &kv) == nil && kv.Name == "GIT_PROTOCOL" {
				env = append(env, kv.Name+"="+kv.Value)
			}
			_ = r.Reply(true, nil)
		case "exec":
			m := uploadPack.FindStringSubmatch(string(r.Payload[4:]))
			_ = r.Reply(m != nil, nil)
			if m == nil {
				return
			}
			cmd := exec.Command("git-upload-pack", m[1])
			cmd.Env = append(os.Environ(), append(env, "GIT_CONFIG_GLOBAL=/dev/null")...)
			cmd.Stdin, cmd.Stdout, cmd.Stderr = channel, channel, channel.Stderr()
			status := make([]byte, 4)
			if err := cmd.Run(); err != nil {
				binary.BigEndian.PutUint32(status, 128)
			}
			_, _ = channel.SendRequest("exit-status", false, status)
			_ = channel.Close()
		default:
			_ = r.Reply(false, nil)
		}
	}
}

func TestDeployKeyOverSSH(t *testing.T) {
	o := newOrigin(t)
	o.write("a.fio", "[a]\n")
	head := o.commit("one")
	srv := newSSHServer(t)
	url := "ssh://git@" + srv.addr + o.dir
	with := func(key, hosts string) *checkout.Client {
		return newClient(t, func(c *checkout.Config) {
			c.Credentials = func() []checkout.Credential {
				return []checkout.Credential{{URL: "ssh://git@" + srv.addr, KeyFile: key, KnownHostsFile: hosts}}
			}
		})
	}
	tree := open(t, with(srv.keyFile, srv.hosts), url, head)
	if got, err := tree.ReadFile("a.fio"); err != nil || string(got) != "[a]\n" {
		t.Errorf("read %q, %v", got, err)
	}
	for name, tt := range map[string]struct {
		c    *checkout.Client
		says string
	}{
		"a stranger's key":          {with(srv.strangerKeyFile, srv.hosts), "deploy key"},
		"a host nobody vouches for": {with(srv.keyFile, os.DevNull), "known_hosts"},
	} {
		_, err := tt.c.Open(t.Context(), checkout.Request{URL: url, Commit: head})
		if !errors.Is(err, checkout.ErrDenied) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: error %v, want ErrDenied that speaks of the %s", name, err, tt.says)
		}
	}
}
