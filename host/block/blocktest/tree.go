// Package blocktest makes trees of hosts for tests, from text.
//
// A tree is a file of lines:
//
//	# comment
//	sys/block/sda/size = 1953525168      a file and its content
//	dev/disk/by-id/wwn-0x5 -> ../../sda  a symbolic link
//	sys/block/sda/holders/               an empty folder
//	proc/self/mountinfo <<               a file of several lines, up to
//	…                                    a line with >>
//	>>
package blocktest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/host/block"
)

// Open makes the tree that a file describes and returns the host.
func Open(t testing.TB, file string) block.System {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	if err := plant(root, string(text)); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return block.System{Root: root}
}

func plant(root, text string) error {
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		line := strings.TrimSpace(lines[i])
		if line == "" || line[0] == '#' {
			continue
		}
		var err error
		if name, found := strings.CutSuffix(line, " <<"); found {
			end := i + 1
			for end < len(lines) && lines[end] != ">>" {
				end++
			}
			err = file(root, name, strings.Join(lines[i+1:min(end, len(lines))], "\n")+"\n")
			i = end
		} else {
			err = one(root, line)
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", i+1, err)
		}
	}
	return nil
}

func one(root, line string) error {
	if name, target, found := strings.Cut(line, " -> "); found {
		at := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			return err
		}
		return os.Symlink(target, at)
	}
	if name, content, found := strings.Cut(line, " = "); found {
		return file(root, name, content+"\n")
	}
	if strings.HasSuffix(line, "/") {
		return os.MkdirAll(filepath.Join(root, line), 0o755)
	}
	return fmt.Errorf("%q is neither file, link nor folder", line)
}

func file(root, name, content string) error {
	at := filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		return err
	}
	return os.WriteFile(at, []byte(content), 0o644)
}
