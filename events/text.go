package events

import (
	"strings"
	"unicode/utf8"
)

// Most bytes of a text in an event, by what it says. Whoever fills one in cuts it
// with [Clip].
const (
	// MaxReason bounds why something ended, was refused or was given up on.
	MaxReason = 2048
	// MaxMessage bounds what a problem or a finding says.
	MaxMessage = 1024
	// MaxHeadline bounds a verdict in one sentence.
	MaxHeadline = 1024
	// MaxFlag bounds one flag on a run's figures.
	MaxFlag = 500
	// MaxStderr bounds the tail of what fio wrote to its standard error.
	MaxStderr = 4096
	// MaxActor bounds who did something: a person, a forge's user, a service.
	MaxActor = 300
)

// ellipsis ends a text that was cut.
const ellipsis = "…"

// Clip returns a text that is valid UTF-8 and has at most limit bytes. A longer
// one is cut between two runes and ends in an ellipsis, if that fits; bytes that
// are no UTF-8 become U+FFFD.
func Clip(text string, limit int) string {
	text = strings.ToValidUTF8(text, string(utf8.RuneError))
	if len(text) <= limit {
		return text
	}
	end := ellipsis
	if limit < len(end) {
		end = ""
	}
	cut := max(0, limit-len(end))
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + end
}
