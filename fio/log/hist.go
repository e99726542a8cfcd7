package log

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"os"

	"github.com/fiord-bench/fiord/fio/hist"
)

// MaxHistLine is the longest line of a histogram log, in bytes. A row has 1856
// bins; fio's counts rarely have more than eight digits.
const MaxHistLine = 64 << 10

// HistSample is one row of a histogram log: what completed in an interval.
type HistSample struct {
	Time uint64 // ms since the job began, at the interval's end
	BS   uint64 // bytes of the row's I/Os
	Dir  Direction
	// Hist belongs to the reader and is overwritten by its next Next.
	Hist *hist.Histogram
}

// HistReader reads a histogram log. It is not safe for concurrent use.
type HistReader struct {
	src   io.Reader
	buf   []byte
	at    int
	end   int
	eof   bool
	err   error
	bins  int // in a row; 0 before the first
	hist  *hist.Histogram
	close func() error
	stats Stats
	last  [directions]uint64
}

// OpenHistFile opens a histogram log, text or compressed. Close it when done.
func OpenHistFile(path string, cfg Config) (*HistReader, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	h, err := OpenHist(f, cfg)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("open log %s: %w", path, err)
	}
	unpacked := h.close
	h.close = func() error { return errors.Join(unpacked(), f.Close()) }
	return h, nil
}

// OpenHist reads a histogram log from r, text, gzip or zstd. fio's .fz is
// refused: with log_compression fio writes pointers in the place of counts.
func OpenHist(r io.Reader, cfg Config) (*HistReader, error) {
	u, err := unpack(r, cfg.MaxBytes)
	if err != nil {
		return nil, err
	}
	if u.samples {
		return nil, errors.New("fio does not keep the counts of histogram logs that it compresses itself; run without log_compression")
	}
	return &HistReader{src: u.r, buf: make([]byte, MaxHistLine), close: u.close}, nil
}

// Close releases what OpenHist holds.
func (h *HistReader) Close() error { return h.close() }

// Stats returns what was met so far.
func (h *HistReader) Stats() Stats { return h.stats }

// Coarseness returns log_hist_coarseness as the first row shows it.
func (h *HistReader) Coarseness() int {
	if h.hist == nil {
		return 0
	}
	return h.hist.Coarseness()
}

// Next reads the next row that can be read into s. Its error is io.EOF at the
// end, or that of the source.
func (h *HistReader) Next(s *HistSample) error {
	for {
		line, err := h.line()
		if err != nil {
			return err
		}
		h.stats.Lines++
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		if err := h.row(s, line); err != nil {
			h.malformed(line, err.Error())
			continue
		}
		if s.Time < h.last[s.Dir] {
			h.stats.Rewinds++
		}
		h.last[s.Dir] = s.Time
		h.stats.Samples++
		return nil
	}
}

func (h *HistReader) malformed(line []byte, why string) {
	h.stats.Malformed++
	if len(h.stats.Examples) < MaxExamples {
		h.stats.Examples = append(h.stats.Examples, Malformed{Line: h.stats.Lines, Text: clip(line), Why: why})
	}
}

// line returns the next line with its end, within the buffer.
func (h *HistReader) line() ([]byte, error) {
	searched, tooLong := h.at, false
	for {
		if i := bytes.IndexByte(h.buf[searched:h.end], '\n'); i >= 0 {
			line := h.buf[h.at : searched+i+1]
			h.at = searched + i + 1
			if !tooLong {
				return line, nil
			}
			searched, tooLong = h.at, false
			continue
		}
		if h.at > 0 {
			h.end = copy(h.buf, h.buf[h.at:h.end])
			h.at = 0
		}
		if h.end == len(h.buf) {
			if !tooLong {
				h.stats.Lines++
				h.malformed(h.buf[:h.end], fmt.Sprintf("line is longer than %d bytes", MaxHistLine-1))
			}
			tooLong, h.end = true, 0
		}
		searched = h.end
		if h.eof {
			return h.rest(tooLong)
		}
		n, err := h.src.Read(h.buf[h.end:])
		h.end += n
		h.stats.Bytes += int64(n)
		if err != nil {
			h.eof, h.err = true, err
			if !errors.Is(err, io.EOF) {
				h.err = fmt.Errorf("read log: %w", err)
			}
		}
	}
}

// rest returns a last line without an end.
func (h *HistReader) rest(tooLong bool) ([]byte, error) {
	if h.end == 0 || tooLong || !errors.Is(h.err, io.EOF) {
		return nil, h.err
	}
	h.buf[h.end] = '\n'
	h.at = h.end
	h.end = 0
	line := h.buf[:h.at+1]
	h.at = 0
	return line, nil
}

// row parses a line that ends in \n.
func (h *HistReader) row(s *HistSample, line []byte) error {
	var dir uint64
	i, ok := 0, false
	if s.Time, i, ok = number(line, 0); !ok || line[i] != ',' {
		return errors.New("no time in the first column")
	}
	if dir, i, ok = number(line, i+1); !ok || line[i] != ',' || dir >= uint64(directions) {
		return errors.New("no direction in the second column")
	}
	if s.BS, i, ok = number(line, i+1); !ok || line[i] != ',' {
		return errors.New("no block size in the third column")
	}
	s.Dir = Direction(dir)
	if h.hist == nil {
		if err := h.begin(bytes.Count(line, []byte(",")) - 2); err != nil {
			return err
		}
	}
	h.hist.Reset()
	s.Hist = h.hist
	return h.counts(line, i)
}

// begin takes the number of bins from the first row.
func (h *HistReader) begin(bins int) error {
	coarse := bits.TrailingZeros(uint(hist.Bins)) - bits.TrailingZeros(uint(max(bins, 1)))
	if coarse < 0 || coarse > hist.MaxCoarseness || bins != hist.Bins>>coarse {
		return fmt.Errorf("%d bins, and fio 3 has %d, or a half, a quarter and so on", bins, hist.Bins)
	}
	h.bins = bins
	var err error
	h.hist, err = hist.NewCoarse(coarse)
	return err
}

// counts reads the bins from the comma at i on.
func (h *HistReader) counts(line []byte, i int) error {
	bin := 0
	for ; line[i] == ','; bin++ {
		// Most bins are empty, and fio writes them as ", 0".
		if line[i+1] == ' ' && line[i+2] == '0' && (line[i+3] == ',' || line[i+3] == '\n') {
			i += 3
			continue
		}
		n, next, ok := number(line, i+1)
		if !ok {
			return fmt.Errorf("bin %d is not a number", bin)
		}
		if bin < h.bins {
			h.hist.AddBin(bin, n)
		}
		i = next
	}
	if _, ok := lineEnd(line, i); !ok {
		return fmt.Errorf("bin %d is not a number", bin)
	}
	if bin != h.bins {
		return fmt.Errorf("%d bins, and the rows before have %d", bin, h.bins)
	}
	return nil
}
