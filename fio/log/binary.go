package log

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zlib"
)

// zlibStreams reads zlib streams that stand one behind the other as one: fio
// ends a stream for each chunk that it compresses.
type zlibStreams struct {
	in *bufio.Reader
	z  io.ReadCloser
}

func (s *zlibStreams) Read(p []byte) (int, error) {
	for {
		if s.z == nil {
			if _, err := s.in.Peek(1); err != nil {
				return 0, err
			}
			z, err := zlib.NewReader(s.in)
			if err != nil {
				return 0, fmt.Errorf("read zlib: %w", err)
			}
			s.z = z
		}
		n, err := s.z.Read(p)
		if errors.Is(err, io.EOF) {
			s.z, err = nil, nil
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

// The flags that fio keeps in the upper bits of a sample's direction.
const (
	flagOffset = 1 << 31
	flagPrio   = 1 << 30 // the priority is to be printed in full
	flagMax    = 1 << 29 // since 3.37
	flagIssue  = 1 << 28 // since 3.38
	dirMask    = flagIssue - 1
)

// record is where a version of fio keeps the members of its struct io_sample.
type record struct {
	size, dir, prio, bs int
	bs64                bool
}

// The structs of fio 3 on 64-bit machines, without offset and issue time.
var (
	record24 = record{size: 24, dir: 16, prio: -1, bs: 20}             // 3.0
	record32 = record{size: 32, dir: 16, prio: 20, bs: 24, bs64: true} // 3.9
	record40 = record{size: 40, dir: 24, prio: 28, bs: 32, bs64: true} // 3.37
)

func recordOf(v Version) record {
	switch {
	case v.AtLeast(3, 37):
		return record40
	case v.AtLeast(3, 9):
		return record32
	}
	return record24
}

// binaryReader reads the samples of an unpacked .fz log of a little-endian
// machine. Each sample tells by its flags which extra members the log has.
type binaryReader struct {
	in     *bufio.Reader
	rec    record
	known  bool
	stride int
	layout Layout
	stats  Stats
	last   [directions]uint64
}

func newBinary(r io.Reader, cfg Config) *binaryReader {
	b := &binaryReader{in: bufio.NewReaderSize(r, bufferSize)}
	if cfg.Version != nil {
		b.rec, b.known = recordOf(*cfg.Version), true
		b.layout.Prio = cfg.Version.AtLeast(3, 18)
	}
	return b
}

func (b *binaryReader) Layout() Layout { return b.layout }
func (b *binaryReader) Stats() Stats   { return b.stats }

// Read implements Source.
func (b *binaryReader) Read(dst []Sample) (int, error) {
	if b.stride == 0 {
		if err := b.begin(); err != nil {
			return 0, err
		}
	}
	for n := range dst {
		raw, err := b.in.Peek(b.stride)
		if err != nil {
			if n > 0 {
				return n, nil
			}
			if len(raw) > 0 && errors.Is(err, io.EOF) {
				return 0, fmt.Errorf("read samples: %d bytes behind the last one: %w", len(raw), io.ErrUnexpectedEOF)
			}
			return 0, err
		}
		if !b.decode(&dst[n], raw) {
			return n, fmt.Errorf("read samples: sample %d is none, the log is of another version or machine than assumed (%d bytes a sample)", b.stats.Samples+1, b.stride)
		}
		_, _ = b.in.Discard(b.stride) // of what was peeked at: cannot fail
		b.stats.Samples++
		b.stats.Lines++
		b.stats.Bytes += int64(b.stride)
	}
	return len(dst), nil
}

// begin finds out what a sample looks like.
func (b *binaryReader) begin() error {
	head, err := b.in.Peek(64 * 56)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if len(head) == 0 {
		return io.EOF
	}
	if !b.known {
		if err := b.guess(head, len(head) < 64*56); err != nil {
			return err
		}
	}
	if len(head) < b.rec.size {
		return fmt.Errorf("read samples: %d bytes are less than one sample: %w", len(head), io.ErrUnexpectedEOF)
	}
	flags := binary.LittleEndian.Uint32(head[b.rec.dir:])
	b.stride = b.rec.stride(flags)
	b.layout.Offset = flags&flagOffset != 0
	b.layout.Max = b.rec.size == record40.size && flags&flagMax != 0
	b.layout.Issue = b.rec.size == record40.size && flags&flagIssue != 0
	return nil
}

func (rec record) stride(flags uint32) int {
	n := rec.size
	if flags&flagOffset != 0 {
		n += 8
	}
	if rec.size == record40.size && flags&flagIssue != 0 {
		n += 8
	}
	return n
}

// guess picks the struct under which all samples at hand make sense.
func (b *binaryReader) guess(head []byte, whole bool) error {
	for _, rec := range []record{record32, record40, record24} {
		if rec.fits(head, whole) {
			b.rec = rec
			b.layout.Prio = rec.prio > 0
			b.layout.Guess = fmt.Sprintf("samples of %d bytes make sense, as some versions write them", rec.size)
			return nil
		}
	}
	return errors.New("read samples: the log fits no version of fio on a little-endian 64-bit machine")
}

func (rec record) fits(head []byte, whole bool) bool {
	if len(head) < rec.size {
		return false
	}
	flags := binary.LittleEndian.Uint32(head[rec.dir:]) &^ dirMask
	stride := rec.stride(flags)
	var last uint64
	n := 0
	for ; (n+1)*stride <= len(head); n++ {
		raw := head[n*stride:]
		dir := binary.LittleEndian.Uint32(raw[rec.dir:])
		t := binary.LittleEndian.Uint64(raw)
		// fio takes block sizes up to 4 GiB
		if dir&dirMask >= uint32(directions) || dir&^dirMask != flags || t+1000 < last || rec.blockSize(raw) > 1<<32 {
			return false
		}
		last = t
	}
	return !whole || n*stride == len(head)
}

func (rec record) blockSize(raw []byte) uint64 {
	if rec.bs64 {
		return binary.LittleEndian.Uint64(raw[rec.bs:])
	}
	return uint64(binary.LittleEndian.Uint32(raw[rec.bs:]))
}

// decode reads one sample.
func (b *binaryReader) decode(s *Sample, raw []byte) bool {
	dir := binary.LittleEndian.Uint32(raw[b.rec.dir:])
	if dir&dirMask >= uint32(directions) || b.rec.stride(dir) != b.stride {
		return false
	}
	*s = Sample{Time: binary.LittleEndian.Uint64(raw), Value: binary.LittleEndian.Uint64(raw[8:]), Dir: Direction(dir & dirMask)}
	s.Max = s.Value
	if b.layout.Max {
		s.Max = binary.LittleEndian.Uint64(raw[16:])
	}
	s.BS = b.rec.blockSize(raw)
	if b.rec.prio > 0 {
		s.Prio = uint32(binary.LittleEndian.Uint16(raw[b.rec.prio:]))
	}
	extra := raw[b.rec.size:]
	if b.layout.Offset {
		s.Offset, extra = binary.LittleEndian.Uint64(extra), extra[8:]
	}
	if b.layout.Issue {
		s.Issue = binary.LittleEndian.Uint64(extra)
	}
	if s.Time < b.last[s.Dir] {
		b.stats.Rewinds++
	}
	b.last[s.Dir] = s.Time
	return true
}
