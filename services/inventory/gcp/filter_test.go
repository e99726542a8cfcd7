package gcp_test

import (
	"testing"

	"github.com/fiord-bench/fiord/services/inventory/gcp"
)

const machine = `{"name": "bench-a", "status": "RUNNING", "id": "7", "labels": {"env": "stage", "role-2": "db"},
	"zone": "https://www.googleapis.com/compute/v1/projects/lab-1/zones/europe-west1-b",
	"scheduling": {"automaticRestart": true}, "tags": {"items": ["http", "https"]},
	"networkInterfaces": [{"networkIP": "10.0.0.1"}, {"networkIP": "10.1.0.1"}], "creationTimestamp": "2024-03-01T04:05:06.789-08:00"}`

func TestFiltersChooseAsGoogleDoes(t *testing.T) {
	for filter, want := range map[string]bool{
		"status = RUNNING":  true,
		"status=TERMINATED": false,
		"scheduling.automaticRestart = true AND status = RUNNING": true,
		"(labels.env = stage) (status = RUNNING)":                 true,
		"(labels.env = prod) OR (labels.role-2 = db)":             true,
		"labels.env = prod OR labels.env = dev":                   false,
		"NOT labels.env = prod":                                   true,
		"-labels.env:*":                                           false,
		"labels.owner:*":                                          false,
		"labels.env != prod":                                      true,
		"labels.owner != x":                                       true,
		`name eq "bench-.*"`:                                      true,
		"name ne .*-a":                                            false,
		"name = bench-*":                                          true,
		"zone = europe-west1-b":                                   true,
		"tags.items = https":                                      true,
		"tags.items: ftp":                                         false,
		"networkInterfaces.networkIP = 10.1.0.1":                  true,
		"id > 6":                                                  true,
		"id > 10":                                                 false,
		"creationTimestamp > 2024-01-01":                          true,
		`labels.env = "stage"`:                                    true,
		"labels.env = 'AND'":                                      false,
	} {
		f, err := gcp.Parse(filter)
		if err != nil {
			t.Errorf("%s: %v", filter, err)
		} else if got := f.Match(machine); got != want {
			t.Errorf("%s: %v, want %v", filter, got, want)
		}
	}
}

func TestWhatIsNoFilterIsRefused(t *testing.T) {
	for _, filter := range []string{"", "status", "status =", "(status = RUNNING", "status = RUNNING)", "status ~ x", `name eq "["`, "= x", "a = b OR", "status = (", `name = "open`} {
		if _, err := gcp.Parse(filter); err == nil {
			t.Errorf("%q was taken", filter)
		}
	}
}

func FuzzFilter(f *testing.F) {
	f.Add("scheduling.automaticRestart = true AND (status = RUNNING OR NOT name eq 'a.*')")
	f.Add("-labels.env:* tags.items=\"http\"")
	f.Fuzz(func(_ *testing.T, source string) {
		if filter, err := gcp.Parse(source); err == nil {
			filter.Match(machine)
		}
	})
}
