package dropin

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// split takes what fio printed with --output-format=normal,json+ apart: the JSON
// goes to one writer, the text that people know to the other. A document begins
// and ends with a brace alone on its line. It tells whether the JSON came to its
// end.
func split(from io.Reader, text, json io.Writer) (whole bool, err error) {
	in := bufio.NewReaderSize(from, 64<<10)
	inside := false
	for {
		line, err := in.ReadString('\n')
		if errors.Is(err, io.EOF) && line == "" {
			return whole, nil
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return whole, err
		}
		bare := strings.TrimRight(line, "\r\n")
		to := text
		if bare == "{" && !inside {
			inside, whole = true, false
		}
		if inside {
			to = json
		}
		if _, err := io.WriteString(to, line); err != nil {
			return whole, err
		}
		if inside && bare == "}" {
			inside, whole = false, true
		}
	}
}

// splitFile splits a file of fio's: the text is added to one, the JSON makes
// another.
func splitFile(from, text, json string) (whole bool, err error) {
	in, err := os.Open(from)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil // fio did not come as far as its report
	}
	if err != nil {
		return false, fmt.Errorf("read fio's output: %w", err)
	}
	defer func() { _ = in.Close() }()
	toText, err := os.OpenFile(text, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644) //nolint:gosec // others read the volume
	if err != nil {
		return false, fmt.Errorf("keep fio's output: %w", err)
	}
	toJSON, err := os.Create(json)
	if err != nil {
		return false, errors.Join(fmt.Errorf("keep fio's result: %w", err), toText.Close())
	}
	whole, err = split(in, toText, toJSON)
	if err := errors.Join(err, toText.Close(), toJSON.Close()); err != nil {
		return whole, fmt.Errorf("keep fio's output: %w", err)
	}
	if info, err := os.Stat(json); err == nil && info.Size() == 0 {
		return false, os.Remove(json) // there was no result to keep
	}
	return whole, nil
}

// lastLines returns the end of a text, for a message.
func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "; ")
}
