package plan

import (
	"errors"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/fio/job"
	"github.com/fiord-bench/fiord/services/bench/measure"
)

// maxProblems is what one event carries.
const maxProblems = 50

// problemsOf turns the parser's errors into the contract's, with their places.
func problemsOf(err error) []events.Problem {
	var all job.Errors
	if errors.As(err, &all) {
		var out []events.Problem
		for _, e := range all[:min(len(all), maxProblems)] {
			out = append(out, problemOf(e))
		}
		return out
	}
	var option *measure.Unoffered
	if errors.As(err, &option) {
		return []events.Problem{option.Problem()}
	}
	var one *job.Error
	if errors.As(err, &one) {
		return []events.Problem{problemOf(one)}
	}
	return []events.Problem{{Rule: "syntax", Message: events.Clip(err.Error(), events.MaxMessage)}}
}

func problemOf(e *job.Error) events.Problem {
	message := e.Msg
	if e.Remedy != "" {
		message += " (" + e.Remedy + ")"
	}
	return events.Problem{File: e.Pos.File, Line: e.Pos.Line, Column: e.Pos.Col, Rule: "syntax", Message: events.Clip(message, events.MaxMessage)}
}
