package source_test

import (
	"encoding/json"
	"errors"
	"flag"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fiord-bench/fiord/services/inventory/instance"
	"github.com/fiord-bench/fiord/services/inventory/source"
)

var update = flag.Bool("update", false, "write what is found as what is wanted")

func TestToolsOutputBecomesMachines(t *testing.T) {
	for kind, file := range map[source.Kind]string{source.AWS: "aws.json", source.GCloud: "gcloud.json", source.Azure: "az.json", source.Static: "static.yaml"} {
		raw, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		list, err := source.Parse(kind, "pipe", raw)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		got, err := json.MarshalIndent(list, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		golden := filepath.Join("testdata", string(kind)+".golden")
		if *update {
			if err := os.WriteFile(golden, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", file, diff)
		}
		if kind == source.Static {
			continue
		}
		if detected, err := source.Detect(raw); err != nil || detected != kind {
			t.Errorf("Detect(%s) = %s, %v", file, detected, err)
		}
	}
}

func TestStrangersDocumentsAreErrors(t *testing.T) {
	for _, raw := range []string{``, `{}`, `[1]`, `[{}]`, `"x"`, `{"Reservations"`, `null`, `[{"name": "x"}]`} {
		if kind, err := source.Detect([]byte(raw)); err == nil {
			t.Errorf("Detect(%s) = %s", raw, kind)
		}
	}
	for kind, documents := range map[source.Kind][]string{
		source.AWS:    {`{}`, `{`, `{"Reservations": [{"Instances": [{}]}]}`},
		source.GCloud: {`{}`, `[1]`, `[{"name": "no id"}]`},
		source.Azure:  {`{}`, `[null]`, `[{}]`},
		source.Static: {`machines: 1`, `machine: []`, "machines: [{address: 10.0.0.1}]"},
		"other":       {`{}`},
	} {
		for _, raw := range documents {
			if list, err := source.Parse(kind, "pipe", []byte(raw)); err == nil {
				t.Errorf("Parse(%s, %s) = %+v", kind, raw, list)
			}
		}
	}
}

// The zone of a local zone isn't its region and a letter.
func TestRegionOfALocalZone(t *testing.T) {
	for zone, want := range map[string]string{"us-west-2-lax-1a": "us-west-2", "us-gov-west-1a": "us-gov-west-1", "eu-west-1c": "eu-west-1", "": ""} {
		list, err := source.Parse(source.AWS, "pipe", []byte(`{"Reservations": [{"Instances": [{"InstanceId": "i", "Placement": {"AvailabilityZone": "`+zone+`"}}]}]}`))
		if err != nil || list[0].Region != want {
			t.Errorf("zone %q: region %q, %v; want %q", zone, list[0].Region, err, want)
		}
	}
}

func TestDockerEngineIsAMachine(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "docker.sock")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/info" {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write([]byte(`{"ID": "ABCD", "Name": "node-1", "NCPU": 8, "MemTotal": 16000000000, "Containers": 7,
			"Labels": ["storage=ssd", "rack"], "Plugins": {"Volume": ["local", "flocker"]}, "KernelVersion": "6.1.0"}`))
	})}
	go func() { _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close() })
	i, err := source.Docker(t.Context(), "engines", "unix://"+socket)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"storage": "ssd", "rack": ""}
	if i.ID != "ABCD" || i.Name != "node-1" || i.Provider != instance.Docker || i.Addresses.PrivateIPv4 != "127.0.0.1" || !cmp.Equal(i.Tags, want) {
		t.Errorf("instance %+v", i)
	}
	if vars := string(i.Vars); !strings.Contains(vars, `"docker_cpus":8`) || strings.Contains(vars, "Containers") {
		t.Errorf("variables %s", vars)
	}
	for _, endpoint := range []string{"unix:///nonexistent.sock", "ssh://host", "tcp://127.0.0.1:1", "::"} {
		if _, err := source.Docker(t.Context(), "engines", endpoint); err == nil {
			t.Errorf("Docker(%s) succeeded", endpoint)
		}
	}
}

// Whatever a document says, it becomes machines with an identity and
// canonical variables, or an error.
func FuzzParse(f *testing.F) {
	kinds := []source.Kind{source.AWS, source.GCloud, source.Azure, source.Static}
	for n, file := range []string{"aws.json", "gcloud.json", "az.json", "static.yaml"} {
		raw, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(n), raw)
	}
	f.Fuzz(func(t *testing.T, n uint8, raw []byte) {
		_, _ = source.Detect(raw)
		list, err := source.Parse(kinds[int(n)%len(kinds)], "fuzz", raw)
		if err != nil {
			return
		}
		for _, i := range list {
			if err := i.Validate(); err != nil {
				t.Fatal(err)
			}
			if len(i.Vars) == 0 {
				continue
			}
			canonical, err := instance.Canonical(i.Vars)
			if err != nil || string(canonical) != string(i.Vars) {
				t.Fatalf("variables aren't canonical: %s", i.Vars)
			}
		}
	})
}

// At a pipe the document is all that is known of what went wrong before it.
func TestBrokenDocumentsSayHow(t *testing.T) {
	whole, err := os.ReadFile("testdata/aws.json")
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		raw  string
		is   error
		says string
	}{
		"cut short":        {string(whole[:len(whole)/2]), source.ErrBroken, "cut short after"},
		"cut in a word":    {`[{"vmId":"x","name":nul`, source.ErrBroken, "cut short"},
		"nothing":          {" \n", source.ErrBroken, "nothing came"},
		"an error message": {"An error occurred (UnauthorizedOperation)", source.ErrBroken, `begins with "An error`},
		"YAML":             {"- name: vm1\n", source.ErrBroken, "--format=json"},
		"two documents":    {string(whole) + string(whole), source.ErrBroken, "give one document"},
		"something else":   {`{"Buckets":[]}`, source.ErrUnknown, "describe-instances"},
		"other things":     {`[{"name":"a"}]`, source.ErrUnknown, "az vm list"},
		"a number":         {"7", source.ErrUnknown, "describe-instances"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if kind, err := source.Detect([]byte(tt.raw)); !errors.Is(err, tt.is) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%q, error %v, want %v saying %q", kind, err, tt.is, tt.says)
			}
		})
	}
}

// gcloud and az print [] when the last machine is gone. That was refused, and
// the inventory kept machines that no longer were.
func TestAnEmptyListHasNoMachines(t *testing.T) {
	kind, err := source.Detect([]byte(" []\n"))
	if err != nil || kind != source.Empty {
		t.Fatalf("%q, %v, want %q", kind, err, source.Empty)
	}
	if list, err := source.Parse(kind, "lab", []byte("[]")); err != nil || len(list) != 0 {
		t.Errorf("%v, %v, want no machines", list, err)
	}
}
