package measure

import (
	"errors"
	"testing"

	"github.com/fiord-bench/fiord/fio/job"
)

func TestAFillingJobWritesEverythingAtOnce(t *testing.T) {
	file, err := job.Parse("job.fio", []byte("[global]\nsize=4m\ntime_based\nruntime=10\n[a]\nrw=randread\nbs=4k\nrate_iops=100\nthinktime=5ms\n[b]\nrw=randrw\nverify=crc32c\n"), job.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := Fill(file, 2); err != nil {
		t.Fatal(err)
	}
	for _, j := range file.Jobs() {
		for option, want := range map[string]string{"rw": "write", "bs": "1m", "loops": "2", "runtime": "0", "time_based": "0", "rate_iops": "0", "thinktime": "0", "verify": "0", "size": "4m"} {
			if got := j.Value(option); got != want {
				t.Errorf("job %s: %s=%s, want %s", j.Name, option, got, want)
			}
		}
	}
	traced, err := job.Parse("job.fio", []byte("[a]\nread_iolog=trace\n"), job.Config{})
	if err != nil {
		t.Fatal(err)
	}
	var unoffered *Unoffered
	if err := Fill(traced, 1); !errors.As(err, &unoffered) || unoffered.Problem().Option != "measure.precondition" {
		t.Errorf("%v", err)
	}
}
