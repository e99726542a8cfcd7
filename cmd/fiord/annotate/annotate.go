// Package annotate writes what fiord lint found in the forms that CI systems show
// beside the lines concerned: GitHub's workflow commands and SARIF 2.1.0.
package annotate

import (
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/owenrumney/go-sarif/v3/pkg/report"
	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"github.com/fiord-bench/fiord/cmd/fiord/screen"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/services/ingest/lint"
)

// toolURL is where what the rules mean is explained.
const toolURL = "https://github.com/fiord-bench/fiord"

// GitHub writes one workflow command a problem or piece of advice, as
// https://docs.github.com/actions/reference/workflow-commands has them.
func GitHub(w io.Writer, r lint.Result) error {
	return each(r, func(level string, p events.Problem) error {
		var properties []string
		add := func(name, value string) { properties = append(properties, name+"="+property.Replace(value)) }
		if p.File != "" {
			add("file", filepath.ToSlash(p.File))
		}
		if p.Line > 0 {
			add("line", strconv.Itoa(p.Line))
		}
		if p.Column > 0 {
			add("col", strconv.Itoa(p.Column))
		}
		add("title", "fiord: "+p.Rule)
		_, err := fmt.Fprintf(w, "::%s %s::%s\n", level, strings.Join(properties, ","), message.Replace(screen.Clean(text(p))))
		return err
	})
}

// What the runner reads back from a command's message and its properties.
var (
	message  = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

// SARIF writes one run of SARIF 2.1.0, as code-scanning services take it. Advice
// has the level warning.
func SARIF(w io.Writer, r lint.Result, version string) error {
	run := sarif.NewRunWithInformationURI("fiord lint", toolURL)
	if version != "" {
		run.Tool.Driver.WithVersion(version)
	}
	err := each(r, func(level string, p events.Problem) error {
		run.AddRule(p.Rule)
		place := sarif.NewPhysicalLocation()
		if p.File != "" {
			run.AddDistinctArtifact(filepath.ToSlash(p.File))
			place.WithArtifactLocation(sarif.NewSimpleArtifactLocation(filepath.ToSlash(p.File)))
		}
		if p.Line > 0 {
			region := sarif.NewRegion().WithStartLine(p.Line)
			if p.Column > 0 {
				region.WithStartColumn(p.Column)
			}
			place.WithRegion(region)
		}
		result := run.CreateResultForRule(p.Rule).WithLevel(level).WithMessage(sarif.NewTextMessage(screen.Clean(text(p))))
		if p.File != "" {
			result.AddLocation(sarif.NewLocationWithPhysicalLocation(place))
		}
		return nil
	})
	if err != nil {
		return err
	}
	return report.NewV210Report().AddRun(run).PrettyWrite(w)
}

// each visits problems as errors, then advice as warnings.
func each(r lint.Result, visit func(level string, p events.Problem) error) error {
	for _, p := range r.Problems {
		if err := visit("error", p); err != nil {
			return err
		}
	}
	for _, p := range r.Advice {
		if err := visit("warning", p); err != nil {
			return err
		}
	}
	return nil
}

// text is a problem without its place, which the form says elsewhere.
func text(p events.Problem) string {
	p.File, p.Line, p.Column = "", 0, 0
	return p.String()
}
