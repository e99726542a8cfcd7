package instance_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fiord-bench/fiord/services/inventory/instance"
)

func TestMembersAreFoundWithoutDecoding(t *testing.T) {
	for raw, want := range map[string][]instance.Member{
		`{}`:                             nil,
		`{"a":1,"b":"x","c":null}`:       {{Key: "a", Value: "1"}, {Key: "b", Value: `"x"`}, {Key: "c", Value: "null"}},
		`{"a":{"b":[{"c":"}"}]},"d":[]}`: {{Key: "a", Value: `{"b":[{"c":"}"}]}`}, {Key: "d", Value: "[]"}},
		`{"q\"uo,te":"a\\","é":"\",\""}`: {{Key: `q"uo,te`, Value: `"a\\"`}, {Key: "é", Value: `"\",\""`}},
		// What isn't an object has the members before the fault.
		``: nil, `[1]`: nil, `{"a`: nil, `{"a":`: nil, `{"a":1`: nil, `{"a":"x`: nil, `{"a":1,"b"}`: {{Key: "a", Value: "1"}}, `{"a":1,}`: {{Key: "a", Value: "1"}},
		`{"a":[1,2`: nil, `{"\":1}`: nil,
	} {
		if diff := cmp.Diff(want, instance.Members(nil, raw)); diff != "" {
			t.Errorf("members of %s (-want +got):\n%s", raw, diff)
		}
	}
}

// The members are those that a decoder finds, with the values as they stand.
func FuzzMembers(f *testing.F) {
	for _, raw := range []string{`{"a":1}`, `{"a":{"b":[1,"]"]},"c":"\""}`, `{"":""}`, `{"a":1.5e3,"b":true}`, `{"a":[],"b":{}}`, `{"\u0000":"\u2028"}`, `x`} {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		instance.Members(nil, raw) // must not panic, whatever it is
		canonical, err := instance.Canonical([]byte(raw))
		if err != nil || canonical[0] != '{' {
			return
		}
		var want map[string]json.RawMessage
		if err := json.Unmarshal(canonical, &want); err != nil {
			t.Fatal(err)
		}
		members := instance.Members(nil, string(canonical))
		got := map[string]json.RawMessage{}
		for _, m := range members {
			got[m.Key] = json.RawMessage(m.Value)
		}
		if diff := cmp.Diff(want, got); diff != "" || len(members) != len(want) {
			t.Fatalf("members of %s (-decoder +got):\n%s", canonical, diff)
		}
	})
}
