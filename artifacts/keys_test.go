package artifacts

import (
	"net/url"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

func TestKeysOfTheLayoutAreLegal(t *testing.T) {
	const id = "abcdefghijklmnopqrstuvwx23"
	for got, want := range map[string]string{
		JobKey("ab12"):                        "jobs/ab12.fio",
		RequestKey(id, "matrix.json"):         "requests/" + id + "/matrix.json",
		PlacementKey(id):                      "placements/" + id + ".json",
		InventoryKey(id, "side/agent.yml"):    "inventories/" + id + "/side/agent.yml",
		KeyLatestInventory:                    "inventories/latest.json",
		RunKey(id, 2, "logs/a_bw.1.log.zst"):  "runs/" + id + "/2/logs/a_bw.1.log.zst",
		PlotKey(id, "iops.svg"):               "plots/" + id + "/iops.svg",
		ReportKey(id, "report.json"):          "reports/" + id + "/report.json",
		ArchiveKey(id, "xyz"):                 "archive/" + id + "/xyz.json",
		RunKey(id, 1, SafeName("my job/2 ü")): "runs/" + id + "/1/my_job_2___~" + strings.SplitAfter(SafeName("my job/2 ü"), "~")[1],
	} {
		if got != want {
			t.Errorf("key %q, want %q", got, want)
		}
		if err := ValidateKey(got); err != nil {
			t.Error(err)
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
