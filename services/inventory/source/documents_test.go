package source_test

import (
	"encoding/binary"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/fiord-bench/fiord/services/inventory/source"
)

const (
	one = `{"InstanceId": "i-1", "Placement": {"AvailabilityZone": "us-east-1a"}, "State": {"Name": "running"}, "NetworkInterfaces": [{"OwnerId": "123456789012"}]}`
	two = `{"InstanceId": "i-2", "Placement": {"AvailabilityZone": "us-east-1a"}, "State": {"Name": "running"}}`
)

// Whatever --query, jq and shells make of describe-instances, no machine is
// lost.
func TestPipesLoseNothing(t *testing.T) {
	wide := func(order binary.AppendByteOrder, mark []byte, s string) string {
		raw := mark
		for _, unit := range utf16.Encode([]rune(s)) {
			raw = order.AppendUint16(raw, unit)
		}
		return string(raw)
	}
	whole := `{"Reservations": [{"OwnerId": "1", "ReservationId": "r-1", "Instances": [` + one + `]}, {"Instances": [` + two + `]}]}`
	for shape, text := range map[string]string{
		"as printed":                     whole,
		"Reservations[]":                 `[{"OwnerId": "1", "ReservationId": "r-1", "Instances": [` + one + `,` + two + `]}]`,
		"Reservations[].Instances[]":     `[` + one + `,` + two + `]`,
		"Reservations[*].Instances[*]":   `[[` + one + `],[` + two + `]]`,
		"jq .Reservations[]":             `{"ReservationId": "r-1", "Instances": [` + one + `]} {"ReservationId": "r-2", "Instances": [` + two + `]}`,
		"jq .Reservations[].Instances[]": one + "\n" + two,
		"two regions in a row":           `{"Reservations": [{"Instances": [` + one + `]}]}` + "\n" + `{"Reservations": [{"Instances": [` + two + `]}]}`,
		"the second replaces":            whole + `{"Reservations": [{"OwnerId": "1", "Instances": [` + one + `]}]}`,
		"a byte order mark":              "\ufeff" + whole,
		"PowerShell":                     wide(binary.LittleEndian, []byte{0xff, 0xfe}, whole),
		"big endian":                     wide(binary.BigEndian, []byte{0xfe, 0xff}, whole),
		"an empty region before":         `{"Reservations": []}` + whole,
	} {
		kind, list, err := source.Read([]byte(text), "")
		if err != nil || kind != source.AWS {
			t.Errorf("%s: %s, %v", shape, kind, err)
			continue
		}
		var ids []string
		for _, i := range list {
			ids = append(ids, i.ID)
		}
		slices.Sort(ids)
		if !slices.Equal(ids, []string{"i-1", "i-2"}) {
			t.Errorf("%s: %v", shape, ids)
		}
	}
}

func TestPartsAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		`{"Reservations": [{"Instances": [` + one + `]}], "NextToken": "abc"}`: "--max-items",
		`[{"vmId": "x", "name": "a"}]`:                                         "--show-details",
		`{"Reservations": []} {"Reservations": [`:                              "behind document 1",
		one + `[{"vmId": "x"}]`:                                                "document 2 of 2 is of az",
		`[["web", "10.0.0.1"]]`:                                                "not a list of machines",
		``:                                                                     "nothing came",
	} {
		if _, _, err := source.Read([]byte(text), ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	_, _, err := source.Read([]byte(`{"Reservations": [], "NextToken": "abc"}`), "")
	if !errors.Is(err, source.ErrPartial) {
		t.Errorf("a page: %v", err)
	}
}

func FuzzRead(f *testing.F) {
	for _, name := range []string{"aws.json", "gcloud.json", "az.json"} {
		raw, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	for _, tc := range printed {
		f.Add([]byte(tc.text))
	}
	f.Add([]byte(one + two))
	f.Add([]byte("\xff\xfe["))
	f.Fuzz(func(t *testing.T, raw []byte) {
		kind, list, err := source.Read(raw, "")
		if err == nil && kind == "" {
			t.Fatal("neither a kind nor an error")
		}
		for _, i := range list {
			if err == nil && i.ID == "" {
				t.Fatalf("a machine without an id: %+v", i)
			}
		}
	})
}
