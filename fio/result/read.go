package result

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// MaxBytes is the most that Read takes in. A run of 1,000 jobs with full
// histograms prints about 40 MB.
const MaxBytes = 256 << 20

// maxNoise is how many lines of noise are kept.
const maxNoise = 20

// Errors of Read.
var (
	// ErrTooLarge means that the text exceeds MaxBytes.
	ErrTooLarge = fmt.Errorf("fio output exceeds %d bytes", MaxBytes)
	// ErrNoResult means that the text has no complete document of fio's.
	ErrNoResult = errors.New("no complete fio result in the output")
)

// Read reads what fio printed with --output-format=json or json+. When there
// is no complete document the Output still has the noise, which tells why.
func Read(r io.Reader) (*Output, error) {
	text, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read fio output: %w", err)
	}
	if len(text) > MaxBytes {
		return nil, ErrTooLarge
	}
	return Parse(text)
}

// Parse is Read for text in memory.
func Parse(text []byte) (*Output, error) {
	runs, err := ParseRuns(text)
	if len(runs) == 0 {
		return nil, err
	}
	last := runs[len(runs)-1]
	if len(runs) > 1 {
		last.Warnings = append(last.Warnings, fmt.Sprintf("%d results of other runs stand before this one", len(runs)-1))
	}
	return last, err
}

// ReadRuns is ParseRuns for what a reader gives.
func ReadRuns(r io.Reader) ([]*Output, error) {
	text, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read fio output: %w", err)
	}
	if len(text) > MaxBytes {
		return nil, ErrTooLarge
	}
	return ParseRuns(text)
}

// scanner finds the documents among the noise.
type scanner struct {
	text  []byte
	at    int
	line  int
	out   Output
	docs  []*node // the last of each run
	depth int     // within strings of other documents
	err   error   // of the last text that looked like a document
	work  int     // bytes parsed in vain
}

// maxVain bounds the work on text that looks like documents and is none, in
// multiples of its length.
const maxVain = 8

func (s *scanner) scan() {
	for s.at < len(s.text) {
		line := s.text[s.at:]
		if i := bytes.IndexByte(line, '\n'); i >= 0 {
			line = line[:i]
		}
		s.line++
		if start := documentStart(line); start < 0 || !s.document(start) {
			s.noise(line)
			s.at += len(line) + 1
		}
	}
}

// documentStart returns where a document may begin in a line: at a brace that
// stands alone, as fio prints it, perhaps behind a client's host, or at the
// front of a line, as other tools do.
func documentStart(line []byte) int {
	trimmed := bytes.TrimRight(line, " \t\r")
	if len(trimmed) > 0 && (trimmed[0] == '{' || trimmed[0] == '[') {
		return 0
	}
	if n := len(trimmed); n > 2 && trimmed[0] == '<' && bytes.HasSuffix(trimmed, []byte("> {")) {
		return n - 1
	}
	return -1
}

// document parses a document that begins in the current line. When it turns
// out to be none the line is noise and the search goes on behind it.
func (s *scanner) document(start int) bool {
	if s.work > maxVain*len(s.text) {
		return false
	}
	n, used, err := parseDocument(s.text[s.at+start:])
	found := n.results(s.depth)
	if err != nil || len(found) == 0 {
		if err != nil {
			s.err = err
		}
		s.out.Cut = s.out.Cut || errors.Is(err, errCut)
		s.work += used
		return false
	}
	for _, doc := range found {
		s.take(doc)
	}
	s.out.Cut = false
	taken := s.text[s.at : s.at+start+used]
	s.line += bytes.Count(taken, []byte("\n"))
	s.at += len(taken)
	s.at += len(s.text[s.at:]) - len(bytes.TrimLeft(s.text[s.at:], " \t\r"))
	if s.at < len(s.text) && s.text[s.at] == '\n' {
		s.at++
	} else {
		s.line-- // more text in the same line
	}
	return true
}

func (s *scanner) noise(line []byte) {
	line = bytes.TrimSpace(line)
	if len(line) == 0 {
		return
	}
	if len(s.out.Noise) == maxNoise {
		s.out.NoiseMore++
		return
	}
	s.out.Noise = append(s.out.Noise, Noise{Line: s.line, Text: clip(line, 200)})
}

// clip cuts text to a length and makes it valid UTF-8.
func clip(b []byte, n int) string {
	if len(b) > n {
		b = b[:n]
	}
	return string(bytes.ToValidUTF8(b, []byte("?")))
}

// hint says what stood in the place of a result.
func (s *scanner) hint() string {
	switch {
	case s.err != nil:
		return fmt.Sprintf(" (%v)", s.err)
	case len(s.out.Noise) > 0:
		return fmt.Sprintf(" (it says: %s)", s.out.Noise[0].Text)
	case len(bytes.TrimSpace(s.text)) == 0:
		return " (it is empty)"
	}
	return ""
}
