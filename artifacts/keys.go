package artifacts

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/fiord-bench/fiord/events"
)

// The top of the layout. One kind of service writes below each prefix, so that
// rights can be cut there: ingest and the command write jobs, the command requests,
// inventory placements and inventories, bench runs, plot the rest. Below runs each
// host has a prefix of its own, see [HostPrefix].
const (
	PrefixJobs        = "jobs/"
	PrefixRequests    = "requests/"
	PrefixPlacements  = "placements/"
	PrefixInventories = "inventories/"
	PrefixRuns        = "runs/"
	PrefixPlots       = "plots/"
	PrefixReports     = "reports/"
	PrefixArchive     = "archive/"
)

// KeyLatestInventory points at the newest inventory. It is the one object that
// changes, by [Store.Update].
const KeyLatestInventory = PrefixInventories + "latest.json"

// MaxKey bounds a key, in bytes; S3 itself allows 1,024. maxSegment is what a
// file system behind a server allows one name.
const (
	MaxKey     = 512
	maxSegment = 200
)

// JobKey is the place of a job file, named by the SHA-256 of its content.
func JobKey(sha256hex string) string { return PrefixJobs + sha256hex + ".fio" }

// RequestKey is the place of something that belongs to a request for a bench.
func RequestKey(id, name string) string { return PrefixRequests + id + "/" + name }

// PlacementKey is the place of the one decision about where a bench runs.
func PlacementKey(bench string) string { return PrefixPlacements + bench + ".json" }

// InventoryKey is the place of one file of one inventory.
func InventoryKey(id, name string) string { return PrefixInventories + id + "/" + name }

// HostPrefix is where a host writes, and no other: runs/host.<token>/. No id of a
// run has a dot, so that what lies there is told from what lies below the run's id
// alone, as versions before this layout stored it.
func HostPrefix(host string) string { return PrefixRuns + SafeName(events.HostRoute(host)) + "/" }

// RunKey is the place of one file of one attempt at a run on a host; attempts count
// from 1.
func RunKey(host, run string, attempt int, name string) string {
	return HostPrefix(host) + runFolder(run, attempt) + name
}

func runFolder(run string, attempt int) string { return run + "/" + strconv.Itoa(attempt) + "/" }

// RunOf is the run that a key below [PrefixRuns] belongs to, in the layout of
// today or the one before it; "" for any other key.
func RunOf(key string) string {
	rest, ok := strings.CutPrefix(key, PrefixRuns)
	if !ok {
		return ""
	}
	first, rest, _ := strings.Cut(rest, "/")
	if strings.Contains(first, ".") { // a host
		first, _, _ = strings.Cut(rest, "/")
	}
	return first
}

// CheckRun returns [ErrInvalid] for a claim check that the attempt's host could not
// have stored: the end of a run names what lies below the host's own prefix, or
// below the run's id alone, where no host writes any more.
func CheckRun(ref events.RunRef, claim events.ClaimCheck) error {
	folder := runFolder(ref.Run, ref.Attempt)
	if strings.HasPrefix(claim.Key, HostPrefix(ref.Host)+folder) || strings.HasPrefix(claim.Key, PrefixRuns+folder) {
		return nil
	}
	return fmt.Errorf("%w: run %s on host %s names %s, which is not its own", ErrInvalid, ref.Run, ref.Host, claim.Key)
}

// PlotKey is the place of one figure of a run.
func PlotKey(run, name string) string { return PrefixPlots + run + "/" + name }

// ReportKey is the place of one file of a bench's report.
func ReportKey(bench, name string) string { return PrefixReports + bench + "/" + name }

// ArchiveKey is the place of one archived event of a bench.
func ArchiveKey(bench, event string) string { return PrefixArchive + bench + "/" + event + ".json" }

// ValidateKey refuses what some server, file system or URL would read
// differently than it is written: only letters, digits and -_.=+@,~ within
// segments, no empty, hidden or dotted segment, at most MaxKey bytes.
func ValidateKey(key string) error {
	if len(key) > MaxKey {
		return fmt.Errorf("%w: key of %d bytes is longer than %d", ErrInvalid, len(key), MaxKey)
	}
	for segment := range strings.SplitSeq(key, "/") {
		if err := validateSegment(segment); err != nil {
			return fmt.Errorf("%w: key %q: %s", ErrInvalid, key, err)
		}
	}
	return nil
}

func validateSegment(s string) error {
	switch {
	case s == "":
		return fmt.Errorf("empty segment")
	case s[0] == '.':
		return fmt.Errorf("segment %q starts with a dot", s)
	case len(s) > maxSegment:
		return fmt.Errorf("segment of %d bytes is longer than %d", len(s), maxSegment)
	}
	for i := range len(s) {
		if !legalByte(s[i]) {
			return fmt.Errorf("character %q is not allowed", s[i])
		}
	}
	return nil
}

func legalByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-_.=+@,~", c) >= 0
}

// SafeName turns any name, such as a fio job's, into one legal segment. A legal
// name stays as it is; any other keeps its readable part and gets ~ and a hash
// of the whole, so that two names never meet.
func SafeName(name string) string {
	if validateSegment(name) == nil && !strings.Contains(name, "~") {
		return name
	}
	readable := []byte(name)
	for i, c := range readable {
		if !legalByte(c) || i == 0 && c == '.' {
			readable[i] = '_'
		}
	}
	if len(readable) > maxSegment/2 {
		readable = readable[:maxSegment/2]
	}
	sum := sha256.Sum256([]byte(name))
	return string(readable) + "~" + hex.EncodeToString(sum[:8])
}
