package log

import (
	"errors"
	"fmt"
	"io"
)

// Direction is the direction of a sample.
type Direction uint8

// The directions, numbered as in the logs.
const (
	Read Direction = iota
	Write
	Trim
	directions
)

// String returns the name that fio uses.
func (d Direction) String() string {
	if d < directions {
		return [...]string{"read", "write", "trim"}[d]
	}
	return fmt.Sprintf("direction %d", uint8(d))
}

// Sample is one row of a log.
type Sample struct {
	Time   uint64 // ms since the job began, or since 1970 with log_unix_epoch
	Value  uint64 // KiB/s, I/Os per second, or ns
	Max    uint64 // the window's largest value; Value where it is not logged
	BS     uint64 // bytes of the I/O; 0 in rows of a window
	Offset uint64 // bytes; 0 where it is not logged
	Issue  uint64 // ns; 0 where it is not logged
	Prio   uint32 // 0 where it is not logged
	Dir    Direction
}

// Limits on what a reader takes.
const (
	// MaxLine is the longest line of a log of samples, in bytes.
	MaxLine = 512
	// MaxExamples is how many malformed lines are kept.
	MaxExamples = 5

	bufferSize = 256 << 10
)

// Malformed is a line that could not be read.
type Malformed struct {
	Line int64  `json:"line"` // from 1
	Text string `json:"text"` // at most 120 bytes
	Why  string `json:"why"`
}

// Stats tell what a reader met so far.
type Stats struct {
	Bytes     int64       `json:"bytes"` // of text, after decompression
	Lines     int64       `json:"lines"`
	Samples   int64       `json:"samples"`
	Malformed int64       `json:"malformed"`
	Examples  []Malformed `json:"examples,omitempty"` // the first malformed lines
	// Rewinds is how often time went back in one direction: fio appends to a
	// log that is there, and with per_job_logs=0 one job after the other.
	Rewinds int64 `json:"rewinds"`
}

// Reader reads the samples of one log. It is not safe for concurrent use.
type Reader struct {
	src    io.Reader
	buf    []byte
	at     int // next byte to parse
	end    int // bytes in buf
	limit  int // behind the last complete line
	eof    bool
	err    error
	layout Layout
	known  bool
	skip   bool // in the rest of a line that is too long
	stats  Stats
	last   [directions]uint64
}

// NewReader reads text. With a nil layout it guesses from the first lines.
func NewReader(src io.Reader, layout *Layout) *Reader {
	r := &Reader{src: src, buf: make([]byte, bufferSize)}
	if layout != nil {
		r.layout, r.known = *layout, true
	}
	return r
}

// Layout returns the layout in use; a guessed one is known after the first
// Read and says so in its Guess.
func (r *Reader) Layout() Layout { return r.layout }

// Stats returns what was met so far.
func (r *Reader) Stats() Stats { return r.stats }

// Read fills dst with the next samples and returns how many there are. Its
// error is io.EOF at the end, or that of the source. Malformed lines are no
// error: see Stats.
func (r *Reader) Read(dst []Sample) (int, error) {
	n := 0
	for n < len(dst) {
		if r.at >= r.limit && !r.fill() {
			if n > 0 {
				return n, nil
			}
			return 0, r.err
		}
		n += r.parse(dst[n:])
	}
	return n, nil
}

// fill reads on until there is a complete line in the buffer. It returns false
// when there is none any more and sets r.err.
func (r *Reader) fill() bool {
	for {
		if r.at > 0 {
			r.end = copy(r.buf, r.buf[r.at:r.end])
			r.at, r.limit = 0, 0
		}
		if r.eof {
			return r.tail()
		}
		n, err := r.src.Read(r.buf[r.end:])
		searched := r.end
		r.end += n
		r.stats.Bytes += int64(n)
		if err != nil {
			r.eof, r.err = true, err
			if !errors.Is(err, io.EOF) {
				r.err = fmt.Errorf("read log: %w", err)
			}
		}
		for i := r.end - 1; i >= searched; i-- {
			if r.buf[i] == '\n' {
				r.limit = i + 1
				break
			}
		}
		if r.limit > 0 || r.end == len(r.buf) {
			return r.ready()
		}
	}
}

// ready prepares what is in the buffer for parsing.
func (r *Reader) ready() bool {
	if r.limit == 0 {
		// A buffer without a line end: drop it, and the rest of the line later.
		if !r.skip {
			r.stats.Lines++
			r.malformed(r.buf[:r.end], "line is too long")
		}
		r.skip, r.at = true, r.end
		return r.fill()
	}
	if r.skip {
		for r.buf[r.at] != '\n' {
			r.at++
		}
		r.at++
		r.skip = false
		if r.at >= r.limit {
			return r.fill()
		}
	}
	if !r.known {
		r.layout, r.known = guessLayout(r.buf[r.at:min(r.limit, r.at+16<<10)]), true
	}
	return true
}

// tail lets a last line without an end be parsed. Only io.EOF makes it
// complete: what was cut off by an error is not a line.
func (r *Reader) tail() bool {
	if r.end == 0 || r.skip || !errors.Is(r.err, io.EOF) || r.end == len(r.buf) {
		return false
	}
	r.buf[r.end] = '\n'
	r.end++
	r.limit = r.end
	return r.ready()
}

// parse reads samples from complete lines until dst is full or the lines end.
func (r *Reader) parse(dst []Sample) int {
	n, lines := 0, int64(0)
	buf := r.buf[:r.limit]
	at := r.at
	layout := r.layout
	short := layout.Prio && !layout.Max && !layout.Offset && !layout.Issue
	for n < len(dst) && at < len(buf) {
		s := &dst[n]
		lines++
		next, ok := 0, false
		if short {
			next = s.parseShort(buf[at:])
			ok = next > 0
		}
		if !ok {
			next, ok = s.parse(buf[at:], layout)
		}
		if !ok {
			r.stats.Lines += lines
			lines = 0
			at += r.reject(buf[at:])
			continue
		}
		at += next
		if s.Time < r.last[s.Dir] {
			r.stats.Rewinds++
		}
		r.last[s.Dir] = s.Time
		n++
	}
	r.at = at
	r.stats.Samples += int64(n)
	r.stats.Lines += lines
	return n
}

// reject counts the line at the front and returns its length. Empty lines are
// harmless.
func (r *Reader) reject(b []byte) int {
	end := 0
	for b[end] != '\n' {
		end++
	}
	blank := true
	for _, c := range b[:end] {
		blank = blank && c <= ' '
	}
	if !blank {
		r.malformed(b[:end], why(b[:end], r.layout))
	}
	return end + 1
}

func (r *Reader) malformed(line []byte, why string) {
	r.stats.Malformed++
	if len(r.stats.Examples) < MaxExamples {
		r.stats.Examples = append(r.stats.Examples, Malformed{Line: r.stats.Lines, Text: clip(line), Why: why})
	}
}
