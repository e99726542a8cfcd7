package log

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"

	"github.com/fiord-bench/fiord/fio/hist"
)

// pack compresses text with a writer.
func pack(t testing.TB, text []byte, wrap func(io.Writer) io.WriteCloser) []byte {
	t.Helper()
	var b bytes.Buffer
	w := wrap(&b)
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gzipped(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }
func zlibbed(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) }
func zstded(w io.Writer) io.WriteCloser {
	z, _ := zstd.NewWriter(w)
	return z
}

func readLog(t testing.TB, data []byte, cfg Config) ([]Sample, *Log, error) {
	t.Helper()
	l, err := Open(bytes.NewReader(data), cfg)
	if err != nil {
		return nil, nil, err
	}
	defer l.Close()
	var all []Sample
	dst := make([]Sample, 100)
	for {
		n, err := l.Read(dst)
		all = append(all, dst[:n]...)
		if errors.Is(err, io.EOF) {
			return all, l, nil
		}
		if err != nil {
			return all, l, err
		}
	}
}

func TestCompressedLogsReadAsPlainOnes(t *testing.T) {
	text := lines(5000, "lat")
	want, _, err := readLog(t, text, Config{})
	if err != nil || len(want) != 5000 {
		t.Fatalf("plain: %d, %v", len(want), err)
	}
	for name, wrap := range map[string]func(io.Writer) io.WriteCloser{"gzip": gzipped, "zstd": zstded} {
		got, _, err := readLog(t, pack(t, text, wrap), Config{})
		if err != nil || len(got) != len(want) || got[4999] != want[4999] {
			t.Errorf("%s: %d samples, %v", name, len(got), err)
		}
	}
	// gzip files that stand one behind the other are one
	twice := append(pack(t, text, gzipped), pack(t, text, gzipped)...)
	if got, _, err := readLog(t, twice, Config{}); err != nil || len(got) != 10000 {
		t.Errorf("two gzip files: %d samples, %v", len(got), err)
	}
}

func TestALogThatUnpacksTooLargeIsRefused(t *testing.T) {
	bomb := pack(t, bytes.Repeat([]byte("1, 1, 0, 4096, 0\n"), 1<<16), gzipped)
	_, _, err := readLog(t, bomb, Config{MaxBytes: 1 << 19})
	if !errors.Is(err, ErrTooLarge) {
		t.Errorf("got %v", err)
	}
	exact := []byte("1, 1, 0, 4096, 0\n")
	if got, _, err := readLog(t, exact, Config{MaxBytes: int64(len(exact))}); err != nil || len(got) != 1 {
		t.Errorf("exactly as large as allowed: %d, %v", len(got), err)
	}
}

func TestACutCompressedLogIsAnErrorAndNotTheEnd(t *testing.T) {
	packed := pack(t, lines(5000, "lat"), gzipped)
	got, _, err := readLog(t, packed[:len(packed)/2], Config{})
	if err == nil || len(got) == 0 {
		t.Errorf("%d samples, %v", len(got), err)
	}
}

// sample writes a struct io_sample of a version's size.
func sample(rec record, flags uint32, at, value, bs uint64, dir Direction) []byte {
	b := make([]byte, rec.stride(flags))
	binary.LittleEndian.PutUint64(b, at)
	binary.LittleEndian.PutUint64(b[8:], value)
	binary.LittleEndian.PutUint32(b[rec.dir:], uint32(dir)|flags)
	if rec.bs64 {
		binary.LittleEndian.PutUint64(b[rec.bs:], bs)
	} else {
		binary.LittleEndian.PutUint32(b[rec.bs:], uint32(bs))
	}
	extra := b[rec.size:]
	if flags&flagOffset != 0 {
		binary.LittleEndian.PutUint64(extra, 8192)
		extra = extra[8:]
	}
	if flags&flagIssue != 0 && rec.size == 40 {
		binary.LittleEndian.PutUint64(extra, 77)
	}
	return b
}

func TestBinaryLogsOfEveryVersion(t *testing.T) {
	for _, c := range []struct {
		version Version
		rec     record
		flags   uint32
		want    Sample
	}{
		{Version{3, 1}, record24, 0, Sample{Time: 7, Value: 900, Max: 900, BS: 4096, Dir: Write}},
		{Version{3, 1}, record24, flagOffset, Sample{Time: 7, Value: 900, Max: 900, BS: 4096, Dir: Write, Offset: 8192}},
		{Version{3, 33}, record32, flagOffset | flagPrio, Sample{Time: 7, Value: 900, Max: 900, BS: 4096, Dir: Write, Offset: 8192}},
		{Version{3, 39}, record40, flagOffset | flagIssue | flagMax, Sample{Time: 7, Value: 900, BS: 4096, Dir: Write, Offset: 8192, Issue: 77}},
	} {
		raw := append(sample(c.rec, c.flags, 5, 300, 4096, Read), sample(c.rec, c.flags, 7, 900, 4096, Write)...)
		// fio ends a zlib stream with every chunk
		packed := append(pack(t, raw[:len(raw)/2], zlibbed), pack(t, raw[len(raw)/2:], zlibbed)...)
		for _, cfg := range []Config{{Version: &c.version}, {}} {
			got, l, err := readLog(t, packed, cfg)
			if err != nil || len(got) != 2 {
				t.Errorf("%v: %d samples, %v", c.version, len(got), err)
				continue
			}
			if diff := cmp.Diff(c.want, got[1]); diff != "" {
				t.Errorf("%v: %s", c.version, diff)
			}
			if guessed := l.Layout().Guess != ""; guessed != (cfg.Version == nil) {
				t.Errorf("%v: guess %q", c.version, l.Layout().Guess)
			}
		}
	}
}

func TestABinaryLogOfAnotherVersionIsAnError(t *testing.T) {
	var raw []byte
	for i := range uint64(9) {
		raw = append(raw, sample(record40, 0, i, 1<<40, 4096, Write)...)
	}
	if got, _, err := readLog(t, pack(t, raw, zlibbed), Config{Version: &Version{3, 1}}); err == nil {
		t.Errorf("read %+v", got)
	}
	if got, _, err := readLog(t, pack(t, raw[:100], zlibbed), Config{Version: &Version{3, 39}}); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("cut: %d samples, %v", len(got), err)
	}
}

func TestHistogramRows(t *testing.T) {
	row := func(at, dir string, bins int, set map[int]string) string {
		cols := make([]string, bins)
		for i := range cols {
			cols[i] = "0"
			if v, ok := set[i]; ok {
				cols[i] = v
			}
		}
		return at + ", " + dir + ", 4096, " + strings.Join(cols, ", ") + "\n"
	}
	text := row("500", "0", hist.Bins/4, map[int]string{0: "3", 100: "7"}) +
		row("500", "1", hist.Bins/4, map[int]string{463: "9"}) +
		row("1000", "0", hist.Bins/4, nil) +
		row("1500", "0", hist.Bins/2, nil) + "1500, 0\n" + strings.Repeat("9", MaxHistLine+10) + "\n" +
		strings.TrimSuffix(row("2000", "0", hist.Bins/4, map[int]string{1: "1"}), "\n")
	h, err := OpenHist(strings.NewReader(text), Config{})
	if err != nil {
		t.Fatal(err)
	}
	var s HistSample
	var got []uint64
	for {
		err := h.Next(&s)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, s.Time, s.Hist.N())
	}
	if diff := cmp.Diff([]uint64{500, 10, 500, 9, 1000, 0, 2000, 1}, got); diff != "" {
		t.Error(diff)
	}
	if st := h.Stats(); h.Coarseness() != 2 || st.Malformed != 3 || st.Lines != 7 {
		t.Errorf("coarseness %d, %+v", h.Coarseness(), st)
	}
}

func TestHistogramsThatFioCompressedAreRefused(t *testing.T) {
	if _, err := OpenHist(bytes.NewReader(pack(t, []byte("garbage"), zlibbed)), Config{}); err == nil {
		t.Error("accepted")
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(pack(f, sample(record32, 0, 1, 2, 4096, Read), zlibbed))
	f.Add(pack(f, lines(20, "bw"), gzipped))
	f.Add(pack(f, lines(20, "offset"), zstded))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, l, err := readLog(t, data, Config{MaxBytes: 1 << 20})
		if err == nil && l.Stats().Samples != int64(len(got)) {
			t.Fatalf("%d samples, %+v", len(got), l.Stats())
		}
	})
}

func FuzzHist(f *testing.F) {
	f.Add([]byte("1, 0, 4096" + strings.Repeat(", 1", 29) + "\n2, 0, 4096" + strings.Repeat(", 0", 29)))
	f.Add([]byte("1, 0, 4096, 1\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := OpenHist(bytes.NewReader(data), Config{MaxBytes: 1 << 20})
		if err != nil {
			return
		}
		rows := int64(0)
		var s HistSample
		for h.Next(&s) == nil {
			rows++
		}
		if st := h.Stats(); st.Samples != rows || st.Samples+st.Malformed > st.Lines {
			t.Fatalf("%d rows, %+v", rows, st)
		}
	})
}

// parseShort is parse made fast: whatever it accepts, parse reads the same.
func FuzzShort(f *testing.F) {
	f.Add([]byte("1, 2, 0, 0, 0"))
	f.Add([]byte("12345678901234567890, 2, 1, 4096, 1"))
	f.Fuzz(func(t *testing.T, line []byte) {
		line = append(bytes.ReplaceAll(line, []byte("\n"), nil), '\n')
		var a, b Sample
		n := a.parseShort(line)
		if n == 0 {
			return
		}
		if m, ok := b.parse(line, Layout{Prio: true}); !ok || m != n || a != b {
			t.Fatalf("%q: %+v, %d; parse says %+v, %d, %v", line, a, n, b, m, ok)
		}
	})
}
