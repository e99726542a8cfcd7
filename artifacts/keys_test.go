package artifacts

import (
	"errors"
	"net/url"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fiord-bench/fiord/events"
)

func TestKeysOfTheLayoutAreLegal(t *testing.T) {
	const id = "abcdefghijklmnopqrstuvwx23"
	for got, want := range map[string]string{
		JobKey("ab12"):                                    "jobs/ab12.fio",
		RequestKey(id, "matrix.json"):                     "requests/" + id + "/matrix.json",
		PlacementKey(id):                                  "placements/" + id + ".json",
		InventoryKey(id, "side/agent.yml"):                "inventories/" + id + "/side/agent.yml",
		KeyLatestInventory:                                "inventories/latest.json",
		RunKey("a.example", id, 2, "logs/a_bw.1.log.zst"): "runs/host.a_2eexample/" + id + "/2/logs/a_bw.1.log.zst",
		PlotKey(id, "iops.svg"):                           "plots/" + id + "/iops.svg",
		ReportKey(id, "report.json"):                      "reports/" + id + "/report.json",
		ArchiveKey(id, "xyz"):                             "archive/" + id + "/xyz.json",
		RunKey("a", id, 1, SafeName("my job/2 ü")):        "runs/host.a/" + id + "/1/my_job_2___~" + strings.SplitAfter(SafeName("my job/2 ü"), "~")[1],
	} {
		if got != want {
			t.Errorf("key %q, want %q", got, want)
		}
		if err := ValidateKey(got); err != nil {
			t.Error(err)
		}
	}
}

// Names of hosts have up to 253 letters, and a key's segment fewer.
func TestAHostsPrefixIsItsOwnHoweverLongItsName(t *testing.T) {
	seen := map[string]string{}
	for _, host := range []string{"a", "A", "a.b", "a-b", "a_2eb", strings.Repeat("x", 253), strings.Repeat("x", 252), strings.Repeat(".", 253), "zcpmu2h5tklgahfqahhff7m33u", "ü"} {
		prefix := HostPrefix(host)
		if other, taken := seen[prefix]; taken {
			t.Errorf("%q and %q both write below %s", host, other, prefix)
		}
		seen[prefix] = host
		key := RunKey(host, events.HashID(host), 1, "fio.json")
		if err := ValidateKey(key); err != nil {
			t.Error(err)
		}
		if got := RunOf(key); got != events.HashID(host) {
			t.Errorf("%s belongs to run %q", key, got)
		}
	}
}

func TestARunsEndNamesWhatItsHostCouldStore(t *testing.T) {
	ref := events.RunRef{Run: events.HashID("run"), Host: "a.example", Attempt: 2}
	other := events.HashID("other")
	for key, own := range map[string]bool{
		RunKey("a.example", ref.Run, 2, "fio.json"):       true,
		RunKey("a.example", ref.Run, 2, "logs/x.log.zst"): true,
		"runs/" + ref.Run + "/2/fio.json":                 true, // as it once was
		RunKey("b", ref.Run, 2, "fio.json"):               false,
		RunKey("a", ref.Run, 2, "fio.json"):               false,
		RunKey("a.example", other, 2, "fio.json"):         false,
		RunKey("a.example", ref.Run, 1, "fio.json"):       false,
		RunKey("a.example", ref.Run, 21, "fio.json"):      false,
		"runs/" + other + "/2/fio.json":                   false,
		"jobs/x.fio":                                      false,
		"requests/" + ref.Run + "/2/secret":               false,
		"":                                                false,
	} {
		if err := CheckRun(ref, events.ClaimCheck{Key: key}); (err == nil) != own || err != nil && !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v, want own %v", key, err, own)
		}
	}
	for key, want := range map[string]string{
		"runs/" + other + "/1/fio.json": other, "runs/host.a/" + other + "/1/fio.json": other,
		"plots/" + other + "/x.svg": "", "runs/": "", "runs/host.a/": "", "runs/host.a": "",
	} {
		if got := RunOf(key); got != want {
			t.Errorf("%s belongs to %q, want %q", key, got, want)
		}
	}
}

func TestKeysThatSomethingWouldReadDifferentlyAreRefused(t *testing.T) {
	for _, key := range []string{
		"", "/", "/a", "a/", "a//b", ".", "..", "a/../b", "../a", "a/./b", ".hidden", "a/.sgwtmp",
		"a b", "a\x00b", "a\nb", "a?b", "a#b", "a%2e", "a\\b", "ä", "a:b", "a*", strings.Repeat("a", 201),
		strings.Repeat("a/", 256) + "a",
	} {
		if ValidateKey(key) == nil {
			t.Errorf("key %q is accepted", key)
		}
	}
}

func TestSafeNamesNeverMeet(t *testing.T) {
	names := []string{"a b", "a_b", "a/b", "a\\b", "a~b", "", ".", "..", ".a", "_a", "ü", "__",
		strings.Repeat("x", 300), strings.Repeat("x", 301), SafeName("a b")}
	seen := map[string]string{}
	for _, name := range names {
		safe := SafeName(name)
		if other, taken := seen[safe]; taken {
			t.Errorf("%q and %q both become %q", name, other, safe)
		}
		seen[safe] = name
		if err := ValidateKey(safe); err != nil {
			t.Error(err)
		}
	}
	if got := SafeName("read-4k_1.log"); got != "read-4k_1.log" {
		t.Errorf("a legal name became %q", got)
	}
}

func FuzzValidateKey(f *testing.F) {
	for _, seed := range []string{"runs/x/1/fio.json", "../x", "a//b", "a/%2e%2e/b", "a\x00", ".x", "ü/ß", "a/b/"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, key string) {
		if err := ValidateKey(SafeName(key)); err != nil {
			t.Errorf("SafeName(%q): %v", key, err)
		}
		if ValidateKey(key) != nil {
			return
		}
		// A legal key means the same to S3, to a file system and in a URL.
		if path.Clean(key) != key || !filepath.IsLocal(key) || len(key) > MaxKey {
			t.Errorf("key %q is no plain path", key)
		}
		u, err := url.Parse("http://host/bucket/" + key)
		if err != nil || u.Path != "/bucket/"+key || u.RawQuery != "" || u.Fragment != "" {
			t.Errorf("key %q reads differently in a URL: %v, %v", key, u, err)
		}
	})
}
