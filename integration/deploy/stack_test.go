package deploy_test

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// stack is the compose project, started as its README says.
type stack struct {
	t       *testing.T
	compose []string // the command
	name    string   // of the project
	dir     string   // what prepare made
	page    string   // URL
	ingest  string   // URL
}

// imageTag keeps what a test builds apart from what a person did.
const imageTag = "test"

// newStack builds the images of the programs as they are now, and prepares a
// project with these settings. Nothing of it outlives the test.
func newStack(t *testing.T, settings string) *stack {
	t.Helper()
	ports := freePorts(t, 2)
	s := &stack{t: t, compose: composeCommand(t), dir: t.TempDir(), name: "fiord-test-" + strconv.Itoa(os.Getpid())}
	s.ingest, s.page = localURL(ports[0]), localURL(ports[1])
	dir, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	env := []string{"BIN=" + dir, "FIORD=" + filepath.Join(dir, "fiord")}
	s.script(env, "images/servers/build")
	s.script(env, "images/service/build", imageTag)
	file := filepath.Join(s.dir, "fiord.yaml")
	write(t, file, settings)
	s.script(env, "compose/prepare", "--host", "here", "--bench-dir", filepath.Join(s.dir, "host"), "--settings", file,
		"--ingest", strconv.Itoa(ports[0]), "--page", strconv.Itoa(ports[1]), s.dir)
	t.Cleanup(s.remove)
	return s
}

func localURL(port int) string { return "http://127.0.0.1:" + strconv.Itoa(port) }

// composeCommand is docker compose, in whichever of its two forms is here.
func composeCommand(t *testing.T) []string {
	t.Helper()
	if exec.Command("docker", "version").Run() != nil {
		missing(t, "no Docker engine answers: scripts/setup test")
	}
	if exec.Command("docker", "compose", "version").Run() == nil {
		return []string{"docker", "compose"}
	}
	if _, err := exec.LookPath("docker-compose"); err != nil {
		missing(t, "docker compose is missing: apt-get install docker-compose")
	}
	return []string{"docker-compose"}
}

// script runs one of deploy's own.
func (s *stack) script(env []string, name string, args ...string) {
	s.t.Helper()
	s.run(env, 4*time.Minute, filepath.Join(folder, name), args...)
}

func (s *stack) run(env []string, limit time.Duration, name string, args ...string) string {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.t.Context()), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), env...)
	// What the engine asks of a person does not hold up a test.
	cmd.WaitDelay = 5 * time.Second
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.t.Errorf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
		if s.t.Context().Err() == nil {
			s.t.FailNow()
		}
	}
	return string(out)
}

// do runs a command of docker compose.
func (s *stack) do(args ...string) string {
	s.t.Helper()
	return s.run([]string{"FIORD_TAG=" + imageTag}, 2*time.Minute, s.compose[0], s.args(args)...)
}

// try is do for what may not work yet; it returns what was printed.
func (s *stack) try(args ...string) string {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, s.compose[0], s.args(args)...)
	cmd.Env = append(os.Environ(), "FIORD_TAG="+imageTag)
	cmd.WaitDelay = 5 * time.Second
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.t.Logf("%s: %v", strings.Join(args, " "), err)
	}
	return string(out)
}

// args are those of docker compose for the project.
func (s *stack) args(args []string) []string {
	file := filepath.Join(folder, "compose", "compose.yaml")
	all := append([]string{}, s.compose[1:]...)
	all = append(all, "--env-file", filepath.Join(s.dir, ".env"), "--project-name", s.name, "--file", file)
	return append(all, args...)
}

// container is the name of the only container of a service, whichever compose
// named it.
func (s *stack) container(service string) string {
	s.t.Helper()
	return strings.TrimSpace(s.run(nil, patience, "docker", "ps", "--all", "--quiet",
		"--filter", "label=com.docker.compose.project="+s.name, "--filter", "label=com.docker.compose.service="+service))
}

// remove shows what the services said of a test that failed, and leaves nothing.
func (s *stack) remove() {
	if s.t.Failed() {
		s.t.Log(s.do("logs", "--no-color", "--tail", "40"))
	}
	s.do("down", "--volumes", "--timeout", "20")
	for _, image := range []string{"fiord", "fiord-ingest", "fiord-inventory", "fiord-bench", "fiord-plot", "fiord-notify", "fiord-worker"} {
		s.run(nil, patience, "docker", "image", "rm", "--force", image+":"+imageTag)
	}
}

// hostAddress is an address of this machine that containers reach as well.
func hostAddress(t *testing.T) string {
	t.Helper()
	all, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && n.IP.IsGlobalUnicast() {
			return n.IP.String()
		}
	}
	t.Fatal("this machine has loopback alone: containers cannot reach it")
	return ""
}

// serve answers at an address that containers reach, and returns its URL.
func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(hostAddress(t), "0"))
	if err != nil {
		t.Fatal(err)
	}
	srv := &httptest.Server{Listener: l, Config: &http.Server{Handler: h, ReadHeaderTimeout: patience}}
	srv.Start()
	t.Cleanup(srv.Close)
	return srv.URL
}

// forge serves the repositories below a folder as a forge does, and returns its
// URL.
func forge(t *testing.T, root string) string {
	t.Helper()
	path, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		t.Fatal(err)
	}
	return serve(t, &cgi.Handler{
		Path: filepath.Join(strings.TrimSpace(string(path)), "git-http-backend"),
		Env:  []string{"GIT_PROJECT_ROOT=" + root, "GIT_HTTP_EXPORT_ALL=1"}, Stderr: t.Output(),
	})
}

// line is the first of a text that contains word; "" if none does.
func line(text, word string) string {
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		if strings.Contains(lines.Text(), word) {
			return lines.Text()
		}
	}
	return ""
}
