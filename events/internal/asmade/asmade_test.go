package asmade_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/events/internal/asmade"
)

type inner struct {
	A string `json:"a"`
	B *int   `json:"b,omitempty"`
}

type everything struct {
	inner
	Text    string             `json:"text"`
	Flag    bool               `json:"flag"`
	Small   int8               `json:"small"`
	Big     uint64             `json:"big,omitempty"`
	Ratio   float64            `json:"ratio"`
	At      time.Time          `json:"at"`
	Wait    events.Duration    `json:"wait"`
	Size    events.Bytes       `json:"size"`
	List    []inner            `json:"list"`
	Map     map[string]float64 `json:"map,omitempty"`
	Pointer *inner             `json:"pointer,omitempty"`
	Left    string             `json:"-"`
}

func full() everything {
	seven := 7
	return everything{
		inner: inner{A: "é \"x\" \\ <&>\n\u2028", B: &seven}, Text: "plain", Flag: true, Small: -128, Big: 1<<64 - 1,
		Ratio: -1.25e-300, At: time.Date(2026, 1, 2, 3, 4, 5, 678, time.UTC), Wait: events.Duration(90 * time.Second), Size: 1 << 30,
		List: []inner{{A: "x"}, {}}, Map: map[string]float64{"a b": 1, "": 2.5}, Pointer: &inner{},
	}
}

func reader(t *testing.T, typ reflect.Type) *asmade.Reader {
	t.Helper()
	r := asmade.For(typ)
	if r == nil {
		t.Fatalf("no reader of %s", typ)
	}
	return r
}

func TestReadsWhatEncodingJSONWrites(t *testing.T) {
	r := reader(t, reflect.TypeFor[everything]())
	for _, want := range []everything{full(), {}} {
		raw, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got everything
		if !r.Read(raw, &got) {
			t.Fatalf("refused %s", raw)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(everything{})); diff != "" {
			t.Errorf("read of %s (-want +got):\n%s", raw, diff)
		}
	}
}

// Every truncation and every changed byte is refused or read as encoding/json
// reads it.
func TestAgreesWithEncodingJSONOnDamage(t *testing.T) {
	r := reader(t, reflect.TypeFor[everything]())
	raw, err := json.Marshal(full())
	if err != nil {
		t.Fatal(err)
	}
	check := func(damaged []byte) {
		var got, want everything
		if !r.Read(damaged, &got) {
			return
		}
		if err := json.Unmarshal(damaged, &want); err != nil {
			t.Fatalf("accepted %s: %v", damaged, err)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(everything{})); diff != "" {
			t.Fatalf("read of %s (-want +got):\n%s", damaged, diff)
		}
	}
	for i := range raw {
		check(raw[:i])
		for _, c := range []byte(`0-.eE"\,:[]{}n x`) {
			damaged := append([]byte(nil), raw...)
			damaged[i] = c
			check(damaged)
		}
	}
}

func TestRefusesOtherForms(t *testing.T) {
	r := reader(t, reflect.TypeFor[inner]())
	for _, raw := range []string{
		"", "null", "[]", ` {"a":""}`, `{"a":""} `, `{"a": ""}`, `{"b":1,"a":""}`, `{"a":"","a":""}`, `{"a":"","c":1}`,
		`{"a":"",}`, `{"a":1}`, `{"a":"` + "\xff" + `"}`, `{"a":"\ud800"}`, `{"a":"` + "\n" + `"}`, `{"A":""}`, `{"a":"","b":01}`,
		`{"a":"","b":+1}`, `{"a":"","b":1.0}`, `{"a":"","b":-}`, `{"a":"","b":9223372036854775808}`,
	} {
		var got inner
		if r.Read([]byte(raw), &got) {
			t.Errorf("accepted %s", raw)
		}
	}
}

func TestHasNoReaderOfWhatItDoesNotKnow(t *testing.T) {
	type recursive struct {
		Next []recursive `json:"next"`
	}
	for _, typ := range []reflect.Type{
		reflect.TypeFor[recursive](), reflect.TypeFor[any](), reflect.TypeFor[[]byte](), reflect.TypeFor[map[int]string](),
		reflect.TypeFor[struct {
			N int `json:"n,string"`
		}](),
		reflect.TypeFor[struct{ Untagged int }](),
	} {
		if asmade.For(typ) != nil {
			t.Errorf("has a reader of %s", typ)
		}
	}
}

// Every type of the contract is read quickly: one that were not would still be
// read, only slowly, and nobody would notice.
func TestReadsEveryTypeOfTheContract(t *testing.T) {
	for _, typ := range events.Types() {
		raw, err := events.Example(typ)
		if err != nil {
			t.Fatal(err)
		}
		e, err := events.Unmarshal(raw)
		if err != nil {
			t.Fatal(err)
		}
		data, err := json.Marshal(e.Data)
		if err != nil {
			t.Fatal(err)
		}
		got := reflect.New(reflect.TypeOf(e.Data))
		if r := asmade.For(got.Type().Elem()); r == nil || !r.Read(data, got.Interface()) {
			t.Errorf("%s: %s is not read", strings.TrimPrefix(string(typ), "dev.fiord."), data)
		}
		if diff := cmp.Diff(e.Data, got.Elem().Interface()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", typ, diff)
		}
	}
}
