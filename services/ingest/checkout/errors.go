package checkout

import (
	"errors"
	"fmt"
	"strings"
)

// What the pusher or the operator has to put right: trying again is useless.
var (
	// ErrRefused says that the address is of a kind that is not allowed.
	ErrRefused = errors.New("address refused")
	// ErrDenied says that the forge wants other credentials, or hides the
	// repository from the ones it got.
	ErrDenied = errors.New("access denied")
	// ErrNoCommit says that the commit is not, or no longer, in the repository.
	ErrNoCommit = errors.New("no such commit")
	// ErrNotFound says that the commit has no such file.
	ErrNotFound = errors.New("no such file")
	// ErrNotFile says that the path is a folder, a symbolic link or a submodule,
	// or leads through one.
	ErrNotFile = errors.New("not a plain file")
	// ErrLFS says that git holds a pointer and Git LFS the content.
	ErrLFS = errors.New("stored in Git LFS")
	// ErrTooLarge says that a limit on bytes, files or entries was reached.
	ErrTooLarge = errors.New("limit exceeded")
)

// ErrUnavailable says that the forge did not answer, or not in time: trying
// again later may help.
var ErrUnavailable = errors.New("forge unavailable")

// gitError is a git command that failed.
type gitError struct {
	args   []string
	stderr string
	err    error
}

func (e *gitError) Error() string {
	if line := lastLine(e.stderr); line != "" {
		return fmt.Sprintf("git %s: %s", e.args[0], line)
	}
	return fmt.Sprintf("git %s: %v", e.args[0], e.err)
}

func (e *gitError) Unwrap() error { return e.err }

// lastLine finds what git itself said last, without its level.
func lastLine(stderr string) string {
	best := ""
	for line := range strings.Lines(stderr) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || strings.HasPrefix(line, "warning:") || strings.HasPrefix(line, "hint:"):
		case strings.HasPrefix(line, "fatal: "), strings.HasPrefix(line, "remote: "), strings.HasPrefix(line, "error: "):
			_, best, _ = strings.Cut(line, ": ")
		case best == "":
			best = line
		}
	}
	best = strings.TrimRight(best, ".")
	const most = 300
	if len(best) > most {
		best = strings.ToValidUTF8(best[:most], "") + "…"
	}
	return best
}

// lineWith finds the line with a text: what ssh says of a key stands before
// git's own conclusion that it could not read.
func lineWith(stderr, text string) string {
	for line := range strings.Lines(stderr) {
		if strings.Contains(line, text) {
			return line
		}
	}
	return stderr
}

// phrases are what git, curl and ssh say, in the C locale, and what it means.
// The order matters: an HTTP status is more telling than what follows from it.
var phrases = []struct {
	text   string
	means  error
	remedy string
}{
	{"transport 'file' not allowed", ErrRefused, "allow local paths in the configuration of ingest to read them"},
	{"not allowed", ErrRefused, "allow the protocol in the configuration of ingest"},
	{"dubious ownership", ErrDenied, "let ingest run as the owner of the repository, or serve it over ssh or https"},
	{"returned error: 401", ErrDenied, "set a token for this address in the credentials of ingest"},
	{"returned error: 403", ErrDenied, "give the token the right to read the repository"},
	{"returned error: 404", ErrDenied, "check the address; a private repository needs credentials"},
	{"returned error: 3", ErrRefused, "redirects are not followed: give the new address of the repository"},
	{"could not read Username", ErrDenied, "set a token for this address in the credentials of ingest"},
	{"Authentication failed", ErrDenied, "the token is not valid any more: set a new one"},
	{"Permission denied (", ErrDenied, "add the deploy key to the repository"},
	{"Host key verification failed", ErrDenied, "add the host's key to known_hosts in the credentials of ingest"},
	{"not our ref", ErrNoCommit, "it was pushed over and collected"},
	{"unadvertised object", ErrNoCommit, "the server gives only the tips of branches"},
	{"couldn't find remote ref", ErrNoCommit, "the ref is gone"},
	{"does not appear to be a git repository", ErrDenied, "check the address"},
	{"' not found", ErrDenied, "check the address; a private repository needs credentials"},
	{"epository not found", ErrDenied, "check the address; a private repository needs credentials"},
}

// classify turns git's words into one of the sentinels; what it cannot tell is
// taken for an outage, which is retried.
func classify(err error) error {
	var g *gitError
	if !errors.As(err, &g) {
		return err
	}
	for _, p := range phrases {
		if strings.Contains(g.stderr, p.text) {
			telling := &gitError{args: g.args, stderr: lineWith(g.stderr, p.text), err: g.err}
			return fmt.Errorf("%w: %w: %s", p.means, telling, p.remedy)
		}
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}
