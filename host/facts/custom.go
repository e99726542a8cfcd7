package facts

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/fiord-bench/fiord/internal/child"
)

// Limits of custom facts. A fact is for placement; bulk data is not one.
const (
	maxCustomSize  = 64 << 10
	maxCustomFacts = 200
	maxCustomValue = 1 << 10
)

// DefaultCustomTimeout is what one executable may take.
const DefaultCustomTimeout = 5 * time.Second

// factName is what a placement constraint can name.
var factName = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,100}$`)

// Custom reads a facts.d folder. Files are taken in the order of their names,
// later ones winning; hidden files and those ending in ~ are passed over. The
// facts that could be read are returned along with the joined errors of those
// that could not. A folder that does not exist has no facts.
func Custom(ctx context.Context, dir string, timeout time.Duration) (map[string]string, error) {
	if timeout <= 0 {
		timeout = DefaultCustomTimeout
	}
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read custom facts: %w", err)
	}
	all := map[string]string{}
	var errs []error
	for _, e := range entries {
		name := e.Name()
		if e.IsDir() || strings.HasPrefix(name, ".") || strings.HasSuffix(name, "~") {
			continue
		}
		if err := custom(ctx, filepath.Join(dir, name), timeout, all); err != nil {
			errs = append(errs, fmt.Errorf("custom facts of %s: %w", name, err))
		}
	}
	return all, errors.Join(errs...)
}

func custom(ctx context.Context, path string, timeout time.Duration, into map[string]string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.Mode().Perm()&0o022 != 0 {
		// An executable here runs with the worker's rights.
		return fmt.Errorf("is writable by others than its owner (mode %v): chmod go-w", info.Mode().Perm())
	}
	var content []byte
	if info.Mode().Perm()&0o111 != 0 {
		content, err = execute(ctx, path, timeout)
	} else {
		content, err = readLimited(path)
	}
	if err != nil {
		return err
	}
	found, err := Parse(filepath.Ext(path), content)
	if err != nil {
		return err
	}
	if len(into)+len(found) > maxCustomFacts {
		return fmt.Errorf("more than %d custom facts in all", maxCustomFacts)
	}
	for k, v := range found {
		into[k] = v
	}
	return nil
}

func readLimited(path string) ([]byte, error) {
	f, err := os.Open(path) //nolint:gosec // the operator's folder
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, maxCustomSize+1))
	if err == nil && len(b) > maxCustomSize {
		err = fmt.Errorf("larger than %d bytes", maxCustomSize)
	}
	return b, err
}

// execute runs one executable in a process group of its own, so that its
// children end with it.
func execute(ctx context.Context, path string, timeout time.Duration) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var out, complaints bytes.Buffer
	cmd := exec.CommandContext(ctx, path) //nolint:gosec // the operator's executable
	cmd.Stdout, cmd.Stderr = &limited{&out, maxCustomSize}, &limited{&complaints, 1 << 10}
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	err := child.Start(cmd, syscall.SIGKILL)
	if err == nil {
		err = cmd.Wait()
	}
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("took longer than %v", timeout)
	case err != nil:
		return nil, fmt.Errorf("%w: %s", err, bytes.TrimSpace(complaints.Bytes()))
	}
	return out.Bytes(), nil
}

// limited fails when too much is written.
type limited struct {
	to   *bytes.Buffer
	left int
}

// Write implements io.Writer.
func (l *limited) Write(p []byte) (int, error) {
	if l.left -= len(p); l.left < 0 {
		return 0, errors.New("prints too much")
	}
	return l.to.Write(p)
}

// Parse reads facts in the form that the file's extension names: .json, .yaml
// or .yml. Anything else, an executable's output among it, is JSON if it
// starts with a brace, YAML if it starts with ---, and k=v lines otherwise.
func Parse(extension string, content []byte) (map[string]string, error) {
	text := bytes.TrimSpace(content)
	var values map[string]any
	var err error
	switch {
	case len(text) == 0:
		return nil, nil
	case extension == ".json", text[0] == '{':
		dec := json.NewDecoder(bytes.NewReader(text))
		dec.UseNumber()
		err = dec.Decode(&values)
	case extension == ".yaml", extension == ".yml", bytes.HasPrefix(text, []byte("---")):
		err = yaml.Unmarshal(text, &values)
	default:
		return parseLines(text)
	}
	if err != nil {
		return nil, err
	}
	facts := map[string]string{}
	for k, v := range values {
		if err := flatten(k, v, facts); err != nil {
			return nil, err
		}
	}
	return facts, nil
}

// flatten turns {rack: {row: 3}} into rack.row=3.
func flatten(name string, v any, into map[string]string) error {
	switch v := v.(type) {
	case map[string]any:
		for k, inner := range v {
			if err := flatten(name+"."+k, inner, into); err != nil {
				return err
			}
		}
		return nil
	case []any:
		return fmt.Errorf("fact %q is a list: a fact is one value", name)
	case nil:
		return nil
	default:
		return put(name, fmt.Sprint(v), into)
	}
}

func parseLines(text []byte) (map[string]string, error) {
	facts := map[string]string{}
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		k, v, found := strings.Cut(line, "=")
		if !found {
			return nil, fmt.Errorf("line %d: want name=value", number)
		}
		if err := put(strings.TrimSpace(k), strings.TrimSpace(v), facts); err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
	}
	return facts, nil
}

func put(name, value string, into map[string]string) error {
	switch {
	case !factName.MatchString(name):
		return fmt.Errorf("name %.120q: want letters, digits and _ . -", name)
	case len(value) > maxCustomValue:
		return fmt.Errorf("fact %s is longer than %d bytes", name, maxCustomValue)
	case strings.ContainsAny(value, "\x00\n"):
		return fmt.Errorf("fact %s holds more than one line", name)
	}
	into[name] = value
	return nil
}
