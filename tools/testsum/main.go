// Command testsum reads what `go test -json` prints and shows what a person
// wants to know: each package's line as it ends, the whole output of what
// failed, why tests were skipped, and one closing line with the counts.
//
//	go test -json work | testsum
//
// It exits 1 when anything failed, when a package did not build, or when no test
// ran at all.
package main

import (
	"fmt"
	"os"
	"time"
)

func main() {
	os.Exit(run())
}

func run() int {
	start := time.Now()
	s := newSummary(os.Stdout)
	if err := s.read(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "testsum: read test output:", err)
		return 2
	}
	return s.close(time.Since(start))
}
