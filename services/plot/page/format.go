package page

import (
	"fmt"
	"html/template"
	"net/url"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/figure"
	"github.com/fiord-bench/fiord/services/plot/model"
)

// chip is a state or verdict as a coloured word. A sign tells it without
// colour.
type chip struct{ Class, Sign, Text string }

// functions are what the templates call.
func functions() template.FuncMap {
	return template.FuncMap{
		"style":      func() template.CSS { return template.CSS(stylesheet) }, // #nosec G203 -- our own file
		"script":     func() template.JS { return template.JS(script) },       // #nosec G203 -- our own file
		"livescript": func() template.JS { return template.JS(livescript) },   // #nosec G203 -- our own file
		"list":       func(names ...string) []string { return names },
		"chip":       benchChip,
		"runchip":    runChip,
		"verdict":    verdictChip,
		"iso":        func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"when":       func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") },
		"short":      short,
		"ref":        shortRef,
		"point":      pointText,
		"counts":     func(b model.Bench) string { return countsText(b.Counts()) },
		"bench":      func(id string) string { return "/benches/" + url.PathEscape(id) },
		"run":        func(id string) string { return "/runs/" + url.PathEscape(id) },
		"artifact":   artifactURL,
		"host":       hostLink,
		"deviceurl":  deviceURL,
		"runstate":   runState,
		"rates":      ratesText,
		"device":     deviceText,
		"tail":       tailText,
		"grouped":    figure.Grouped,
		"tailhow":    func() string { return tailMethod },
		"brief":      brief,
		"level":      writtenLevel,
		"tailed":     withTails,
		"bothhow":    func() string { return bothMethod },
		"inc":        func(n int) int { return n + 1 },
		"size":       sizeText,
		"zstd":       func(key string) bool { return strings.HasSuffix(key, artifacts.SuffixZstd) },
	}
}

// artifactURL is where an object can be downloaded.
func artifactURL(key string) string {
	parts := strings.Split(key, "/")
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	return "/artifacts/" + strings.Join(parts, "/")
}

// sizeText takes the types that sizes have in the contract.
func sizeText(n any) string {
	switch v := n.(type) {
	case int64:
		return humanize.IBytes(uint64(max(v, 0)))
	case uint64:
		return humanize.IBytes(v)
	default:
		return fmt.Sprint(n)
	}
}

// verdictChip shows a verdict.
func verdictChip(v events.Verdict) chip {
	switch v {
	case events.VerdictImproved:
		return chip{"good", "▲", "improved"}
	case events.VerdictUnchanged:
		return chip{"good", "=", "unchanged"}
	case events.VerdictRegressed:
		return chip{"bad", "▼", "regressed"}
	case events.VerdictFailed:
		return chip{"bad", "✕", "failed"}
	case events.VerdictInvalid:
		return chip{"bad", "!", "invalid"}
	case events.VerdictInconclusive:
		return chip{"meh", "?", "inconclusive"}
	default:
		return chip{"", "●", string(v)}
	}
}

// benchChip shows how far a bench is, or its verdict.
func benchChip(b model.Bench) chip {
	switch b.State {
	case model.StateReported:
		return verdictChip(b.Report.Verdict)
	case model.StateUnplaced:
		return chip{"bad", "✕", "unplaced"}
	case model.StateCancelled:
		return chip{"meh", "■", "cancelled"}
	default:
		return chip{"", "…", string(b.State)}
	}
}

// runChip shows how far a run is, or how it ended.
func runChip(r *model.Run) chip {
	if r.State == model.StateCompleted {
		switch state := r.Completed.Integrity.State; state {
		case events.IntegrityOK:
			return chip{"good", "✓", "completed"}
		case events.IntegrityInvalid:
			return chip{"bad", "!", "invalid"}
		default:
			return chip{"meh", "!", string(state)}
		}
	}
	switch r.State {
	case model.StateFailed, model.StateRejected, model.StateExpired:
		return chip{"bad", "✕", string(r.State)}
	case model.StateCancelled:
		if r.Cancelled != nil && r.Cancelled.NotNeeded() {
			return chip{"", "–", "not needed"}
		}
		return chip{"meh", "■", "cancelled"}
	default:
		return chip{"", "…", string(r.State)}
	}
}

// maxBrief is how many characters of a name a table shows.
const maxBrief = 40

// brief cuts the middle out of a name that is too long for a table: names that
// somebody generated differ at either end.
func brief(s string) string {
	r := []rune(s)
	if len(r) <= maxBrief {
		return s
	}
	return string(r[:maxBrief/2]) + "…" + string(r[len(r)-maxBrief/2+1:])
}

// short abbreviates a commit or an id.
func short(s string) string { return s[:min(len(s), 10)] }

// shortRef drops what every branch and tag starts with.
func shortRef(ref string) string {
	return strings.TrimPrefix(strings.TrimPrefix(ref, "refs/heads/"), "refs/tags/")
}

// pointText writes a point's key for people.
func pointText(key string) string {
	if key == "" {
		return "as written"
	}
	return strings.ReplaceAll(key, ",", ", ")
}

// countsText writes how many runs have ended, and how.
func countsText(n events.Counts) string {
	if n.Planned == 0 {
		return "no runs"
	}
	text := fmt.Sprintf("%d of %d runs completed", n.Completed, n.Planned)
	for _, e := range []struct {
		n    int
		name string
	}{{n.Failed, "failed"}, {n.Rejected, "rejected"}, {n.Expired, "expired"}, {n.Cancelled, "cancelled"}} {
		if e.n > 0 {
			text += fmt.Sprintf(", %d %s", e.n, e.name)
		}
	}
	return text
}
