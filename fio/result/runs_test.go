package result

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"
)

func utf16Text(text string, order binary.AppendByteOrder, mark bool) []byte {
	var out []byte
	if mark {
		out = order.AppendUint16(out, 0xfeff)
	}
	for _, u := range utf16.Encode([]rune(text)) {
		out = order.AppendUint16(out, u)
	}
	return out
}

func gzipped(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// What shells, terminals and tools make of fio's output is fio's output still.
func TestResultsAreReadHoweverTheyWereKept(t *testing.T) {
	quoted := strings.NewReplacer(`"`, `\"`, "\n", `\n`).Replace(tinyResult)
	for name, text := range map[string][]byte{
		"as it is":                 []byte(tinyResult),
		"a byte order mark":        []byte("\ufeff" + tinyResult),
		"UTF-16, little":           utf16Text(tinyResult, binary.LittleEndian, true),
		"UTF-16, big":              utf16Text(tinyResult, binary.BigEndian, true),
		"UTF-16 without a mark":    utf16Text(tinyResult, binary.LittleEndian, false),
		"of a terminal":            []byte("\x1b[?2004l\x1b]0;fio\x07" + strings.ReplaceAll(tinyResult, "\n", "\x1b[K\r\n") + "\x1b[0m"),
		"colours between the keys": []byte(strings.ReplaceAll(tinyResult, `"jobs"`, "\x1b[1;34m\"jobs\"\x1b[0m")),
		"gzip":                     gzipped(t, tinyResult),
		"in an array":              []byte("[" + tinyResult + "]\n"),
		"wrapped":                  []byte(`{"host": "a", "results": [{"tool": "fio", "output": ` + tinyResult + `}]}`),
		"wrapped as a string":      []byte(`{"host": "a", "stdout": "` + quoted + `"}`),
	} {
		runs, err := ParseRuns(text)
		if err != nil || len(runs) != 1 || runs[0].Summary().Read == nil || runs[0].Summary().Read.TotalIOs != 2 {
			t.Errorf("%s: %d runs, %v", name, len(runs), err)
		}
	}
}

func TestWhatIsNoJSONIsNamedWithWhatToDo(t *testing.T) {
	for text, want := range map[string]error{
		"seq: (groupid=0, jobs=1): err= 0: pid=12: Sat Nov 28\n  read: IOPS=5\n":                    ErrNormal,
		"3;fio-3.33;seq;0;0;4096;100;20\n":                                                          ErrTerse,
		`{"fio version": "fio-2.16", "jobs": [{"jobname": "s", "read": {"io_bytes": 4, "bw": 4}}]}`: ErrOldFio,
	} {
		if _, err := ParseRuns([]byte(text)); !errors.Is(err, want) || !errors.Is(err, ErrNoResult) {
			t.Errorf("%.30s: %v, want %v", text, err, want)
		}
		if !FioText([]byte(text)) {
			t.Errorf("%.30s: not seen to be fio's", text)
		}
	}
	if _, err := ParseRuns([]byte(`{"fio version": "fio-2.16", "jobs": [{"jobname": "s", "read": {}}]}`)); err == nil || !strings.Contains(err.Error(), "fio-2.16") {
		t.Errorf("the version is not told: %v", err)
	}
}

// status is a document of one job.
func status(name string, ms, elapsed, ios, runtime int) string {
	return fmt.Sprintf(`{"fio version": "fio-3.33", "timestamp_ms": %d, "jobs": [{"jobname": "%s", "elapsed": %d, "job options": {"name": "%s"},
 "read": {"total_ios": %d, "io_bytes": %d, "runtime": %d}}]}
`, ms, name, elapsed, name, ios, ios, runtime)
}

func TestAppendedRunsAreRunsOfTheirOwnAndIntervalsAreNot(t *testing.T) {
	for name, c := range map[string]struct {
		docs []string
		want []int64 // I/Os of each run
	}{
		"intervals of one run":            {[]string{status("a", 1000, 2, 10, 1000), status("a", 2000, 3, 20, 2000), status("a", 2010, 3, 20, 2001)}, []int64{20}},
		"the jobs have ended":             {[]string{status("a", 1000, 2, 10, 1000), status("a", 2000, 3, 10, 1000)}, []int64{10}},
		"other jobs":                      {[]string{status("a", 1000, 2, 10, 1000), status("b", 1400, 2, 20, 1000)}, []int64{10, 20}},
		"the same job again, with less":   {[]string{status("a", 1000, 5, 10, 4000), status("a", 6000, 5, 8, 4000)}, []int64{10, 8}},
		"the same job again, with more":   {[]string{status("a", 1000, 5, 10, 4000), status("a", 6000, 5, 12, 4001)}, []int64{10, 12}},
		"the same short job again":        {[]string{status("a", 1000, 2, 10, 1000), status("a", 2100, 2, 12, 1001)}, []int64{10, 12}},
		"an older one behind a newer one": {[]string{status("a", 6000, 5, 10, 4000), status("a", 1000, 5, 12, 4001)}, []int64{10, 12}},
		"a run with intervals, twice": {[]string{status("a", 1000, 2, 10, 1000), status("a", 2000, 3, 20, 2000),
			status("a", 5000, 2, 11, 1000), status("a", 6000, 3, 21, 2000)}, []int64{20, 21}},
	} {
		runs, err := ParseRuns([]byte(strings.Join(c.docs, "")))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var got []int64
		for _, r := range runs {
			got = append(got, r.Jobs[0].Read.IOs)
		}
		if fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
