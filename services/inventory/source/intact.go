package source

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// ErrBroken: a document that ended early, is empty, or is no JSON at all. What
// a pipe brings when the command before it failed.
var ErrBroken = errors.New("the document is broken")

// intact reports what keeps a document from being read, for the person at the
// pipe, who sees neither the document nor the command's own error.
func intact(raw []byte) error {
	if len(raw) == 0 {
		return fmt.Errorf("%w: nothing came: see whether the command before the pipe failed", ErrBroken)
	}
	var whole json.RawMessage
	err := json.Unmarshal(raw, &whole)
	var syntax *json.SyntaxError
	switch {
	case !errors.As(err, &syntax):
		return err
	case raw[0] != '{' && raw[0] != '[':
		return fmt.Errorf("%w: it is no JSON and begins with %q: let the command print JSON (--output json, --format=json)", ErrBroken, beginning(raw))
	case syntax.Offset >= int64(len(raw)):
		return fmt.Errorf("%w: it is cut short after %d bytes: run the command before the pipe to its end", ErrBroken, len(raw))
	default:
		return fmt.Errorf("%w: it is no JSON any more at byte %d (%w): give one document, as the command prints it", ErrBroken, syntax.Offset, err)
	}
}

func beginning(raw []byte) string {
	const most = 40
	return strings.ToValidUTF8(string(raw[:min(len(raw), most)]), "\uFFFD")
}
