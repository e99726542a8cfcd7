package log

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
)

// lines makes a log as fio writes it without averaging: one line for each I/O.
func lines(n int, kind string) []byte {
	rng := rand.New(rand.NewPCG(1, 1))
	var b bytes.Buffer
	for i := range n {
		switch kind {
		case "bw":
			fmt.Fprintf(&b, "%d, %d, %d, 4096, 0\n", i/100, 100000+rng.IntN(900000), i&1)
		case "iops":
			fmt.Fprintf(&b, "%d, 1, %d, 4096, 0\n", i/100, i&1)
		case "lat":
			fmt.Fprintf(&b, "%d, %d, %d, 4096, 0\n", i/100, 2000+rng.IntN(90000), i&1)
		case "offset":
			fmt.Fprintf(&b, "%d, %d, %d, 4096, %d, 0x0000\n", i/100, 2000+rng.IntN(90000), i&1, rng.IntN(1<<30)*4096)
		}
	}
	return b.Bytes()
}

func BenchmarkReader(b *testing.B) {
	for _, kind := range []string{"bw", "iops", "lat", "offset"} {
		b.Run(kind, func(b *testing.B) {
			text := lines(200_000, kind)
			layout := Layout{Prio: true, Offset: kind == "offset"}
			dst := make([]Sample, 1024)
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			began := cpuTime(b)
			for b.Loop() {
				r := NewReader(bytes.NewReader(text), &layout)
				for {
					if _, err := r.Read(dst); err != nil {
						if !errors.Is(err, io.EOF) || r.Stats().Samples != 200_000 {
							b.Fatalf("%v %+v", err, r.Stats())
						}
						break
					}
				}
			}
			reportCPU(b, len(text), began)
		})
	}
}
