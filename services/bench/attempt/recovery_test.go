package attempt

import (
	"bytes"
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/host/runner"
	"github.com/fiord-bench/fiord/services/bench/spool"
)

// leftFio is a fio that an earlier worker left.
type leftFio struct {
	key      runner.Key
	doubtful bool
}

func (l leftFio) Key() runner.Key { return l.key }
func (l leftFio) Doubtful() bool  { return l.doubtful }
func (l leftFio) String() string  { return "processes [42]" }
func (l leftFio) Wait(context.Context, func(runner.Progress)) (runner.Exit, error) {
	return runner.Exit{}, nil
}

// leftBy is a runner that finds these.
type leftBy []runner.Process

func (l leftBy) Leftovers(context.Context) ([]runner.Process, error) { return l, nil }
func (leftBy) Start(context.Context, runner.Invocation) (runner.Process, error) {
	panic("nothing is started")
}
func (leftBy) Describe(context.Context) (runner.Description, error) {
	return runner.Description{}, nil
}

// A fio with a former mark may be another worker's: what the spool knows of is
// taken up, and the rest is left alone and reported.
func TestOnlyWhatTheSpoolKnowsOfIsTakenUpByAFormerMark(t *testing.T) {
	kept, err := spool.Open(filepath.Join(t.TempDir(), "spool"), 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = kept.Close() })
	known, others, own := runner.Key{Run: "known", Attempt: 1}, runner.Key{Run: "others", Attempt: 1}, runner.Key{Run: "own", Attempt: 1}
	if _, err := kept.Begin(known.Run, known.Attempt, Order{}); err != nil {
		t.Fatal(err)
	}
	both := runner.Key{Run: "both", Attempt: 2}
	var said bytes.Buffer
	w := &Worker{
		Spool: kept, Log: slog.New(slog.NewTextHandler(&said, nil)),
		Runner: leftBy{leftFio{own, false}, leftFio{both, false}, leftFio{both, true}, leftFio{known, true}, leftFio{others, true}},
	}
	all, err := w.remains(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	did := map[runner.Key]Recovery{}
	for _, left := range all {
		did[left.key] = RecoveryOf(left.attempt != nil, left.process != nil, left.wrote)
		if left.key == both && runner.Doubtful(left.process) {
			t.Error("of two that bear one run's name, another's is ended")
		}
	}
	want := map[runner.Key]Recovery{known: Adopt, own: Clear, both: Clear}
	if len(did) != len(want) {
		t.Errorf("recovers %v, want %v", did, want)
	}
	for key, recovery := range want {
		if did[key] != recovery {
			t.Errorf("%v: %v, want %v", key, did[key], recovery)
		}
	}
	for _, part := range []string{"left alone", "run_id=others", "processes [42]"} {
		if !strings.Contains(said.String(), part) {
			t.Errorf("the log does not say %q:\n%s", part, said.String())
		}
	}
	if strings.Contains(said.String(), "run_id=known") {
		t.Errorf("what is adopted is reported as left alone:\n%s", said.String())
	}
}
