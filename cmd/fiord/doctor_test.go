package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/cmd/fiord/connection"
	"github.com/fiord-bench/fiord/cmd/fiord/doctor"
)

// found examines a set-up and returns the findings by check.
func found(t *testing.T, code int, args ...string) map[string]doctor.Finding {
	t.Helper()
	got, out, _ := command(t, "", nil, append([]string{"doctor", "--json"}, args...)...)
	var list []doctor.Finding
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		t.Fatal(err)
	}
	byCheck := map[string]doctor.Finding{}
	for _, f := range list {
		byCheck[f.Check] = f
	}
	if got != code {
		t.Errorf("exit code %d, want %d: %v", got, code, byCheck)
	}
	return byCheck
}

func TestDoctorFindsNothingWrongWithWhatWorks(t *testing.T) {
	for name, args := range map[string][]string{"plain": nil, "TLS": {"--tls"}} {
		t.Run(name, func(t *testing.T) {
			f := startUp(t, t.TempDir(), args...)
			eventually(t, "the host to be known", func() bool {
				_, out, _ := f.command("hosts")
				return strings.Contains(out, "alive")
			})
			byCheck := found(t, 0, "--data", f.dir)
			for _, check := range []string{"NATS", "clock", "S3", "services", "streams", "hosts", "dead letters", "page", "ingest"} {
				if byCheck[check].State != doctor.OK {
					t.Errorf("%s: %+v", check, byCheck[check])
				}
			}
		})
	}
}

// What is wrong is named with what to do about it.
func TestDoctorNamesWhatIsWrong(t *testing.T) {
	f := startUp(t, t.TempDir())
	good, err := os.ReadFile(filepath.Join(f.dir, connection.FileName))
	if err != nil {
		t.Fatal(err)
	}
	unknown := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(unknown, []byte("SUAMLK2ZNL35WSMW37E7UD4VZ7ELPKW7DHC3BWBSD2GCZ7IUQQXZIORRBU"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		line, instead string // of the connection's file
		check, text   string
		remedy        string
	}{
		"no such bucket":       {"bucket: ", "bucket: elsewhere", "S3", "elsewhere", "s3.bucket"},
		"an unknown key of S3": {"secret_key_file: ", "secret_key_file: " + unknown, "S3", "", "s3.secret_key_file"},
		"nothing at NATS":      {"url: ", "url: nats://127.0.0.1:1", "NATS", "127.0.0.1:1", "start the server"},
		"an unknown key":       {"nkey_file: ", "nkey_file: " + unknown, "NATS", "", "nats.nkey_file"},
		"nothing at the page":  {"web_url: ", "web_url: http://127.0.0.1:1", "page", "127.0.0.1:1", "is it running"},
	} {
		t.Run(name, func(t *testing.T) {
			var lines []string
			for _, line := range strings.Split(string(good), "\n") {
				if text := strings.TrimLeft(line, " "); strings.HasPrefix(text, tt.line) {
					line = line[:len(line)-len(text)] + tt.instead
				}
				lines = append(lines, line)
			}
			file := filepath.Join(t.TempDir(), "connection.yaml")
			if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
				t.Fatal(err)
			}
			code := 1
			if tt.check == "page" {
				code = 0 // a warning
			}
			got := found(t, code, "--connection", file)[tt.check]
			if got.State == doctor.OK || !strings.Contains(got.Text, tt.text) || !strings.Contains(got.Remedy, tt.remedy) {
				t.Errorf("%+v, want %q and the remedy %q", got, tt.text, tt.remedy)
			}
		})
	}
}
