package result

import (
	"strings"
	"testing"
)

const tinyResult = `{
  "fio version" : "fio-3.33",
  "timestamp_ms" : 1795346277761,
  "jobs" : [ { "jobname" : "a", "error" : 0, "read" : { "io_bytes" : 8192, "total_ios" : 2, "runtime" : 1000,
    "clat_ns" : { "min" : 10, "max" : 20, "mean" : 15.0, "stddev" : 5.0, "N" : 2, "bins" : { "10" : 1, "20" : 1 } } } } ]
}
`

func TestNoiseAroundTheDocumentIsKeptWithItsLine(t *testing.T) {
	o, err := Parse([]byte("fio: warning one\n\n" + tinyResult + "trailing words\n"))
	if err != nil {
		t.Fatal(err)
	}
	if len(o.Noise) != 2 || o.Noise[0] != (Noise{1, "fio: warning one"}) || o.Noise[1] != (Noise{9, "trailing words"}) {
		t.Errorf("noise %+v", o.Noise)
	}
	if s := o.Summary(); s.Read == nil || s.Read.TotalIOs != 2 || s.Read.IOPS != 2 || known(s.Read.Clat.P99) != 20 {
		t.Errorf("summary %+v", s)
	}
}

func TestTheLastOfSeveralDocumentsCounts(t *testing.T) {
	second := strings.Replace(tinyResult, `"total_ios" : 2`, `"total_ios" : 7`, 1)
	o, err := Parse([]byte(tinyResult + second + tinyResult[:90]))
	if err != nil {
		t.Fatal(err)
	}
	if o.Documents != 2 || !o.Cut || o.Jobs[0].Read.IOs != 7 {
		t.Errorf("documents %d, cut %v, ios %d", o.Documents, o.Cut, o.Jobs[0].Read.IOs)
	}
}

func TestOutputWithoutAResultSaysWhatStandsThere(t *testing.T) {
	for text, want := range map[string]string{
		"":                               "it is empty",
		"fio: engine foo not loadable\n": "it says: fio: engine foo not loadable",
		tinyResult[:len(tinyResult)-20]:  "the document ends early",
		`{"some": "other JSON"}`:         "no complete fio result",
	} {
		_, err := Parse([]byte(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: %v, want %q", text, err, want)
		}
	}
}
