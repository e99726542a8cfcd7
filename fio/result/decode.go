package result

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"regexp"
	"unicode/utf16"
)

// Errors of texts that are fio's and no result that this package reads. What is
// to be done stands in their text.
var (
	// ErrNormal means fio's output for people.
	ErrNormal = errors.New("it is fio's normal output, which is for people and leaves out most of what fio counted: run fio again with --output-format=json+ (normal,json+ gives both)")
	// ErrTerse means fio's output of semicolons.
	ErrTerse = errors.New("it is fio's terse output, which has no histograms: run fio again with --output-format=json+ (terse,json+ gives both)")
	// ErrOldFio means a result of fio before 3.0.
	ErrOldFio = errors.New("fio before 3.0 counts in other units (KiB and µs), and without histograms: run the job with fio 3")
)

// unwrap takes off what tools put around the text: gzip.
func unwrap(text []byte) ([]byte, error) {
	if !bytes.HasPrefix(text, []byte{0x1f, 0x8b}) {
		return text, nil
	}
	z, err := gzip.NewReader(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("unpack fio output: %w", err)
	}
	out, err := io.ReadAll(io.LimitReader(z, MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("unpack fio output: %w", err)
	}
	if len(out) > MaxBytes {
		return nil, ErrTooLarge
	}
	return out, nil
}

// plain turns text as shells and terminals leave it into what fio printed:
// UTF-16 (PowerShell), a byte order mark, the codes of a terminal (script).
func plain(text []byte) []byte {
	if order, ok := utf16Order(text); ok {
		text = fromUTF16(text, order)
	}
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	if bytes.IndexByte(text, 0x1b) >= 0 {
		text = terminalCodes.ReplaceAll(text, nil)
	}
	return text
}

// terminalCodes are what moves the cursor, colours, and sets titles.
var terminalCodes = regexp.MustCompile(`\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[()][0-9A-B]|[=>78cDEHMNOZ])`)

// utf16Order tells UTF-16 by its mark, or by the zeros between letters.
func utf16Order(text []byte) (binary.ByteOrder, bool) {
	switch {
	case len(text) < 4:
		return nil, false
	case text[0] == 0xff && text[1] == 0xfe:
		return binary.LittleEndian, true
	case text[0] == 0xfe && text[1] == 0xff:
		return binary.BigEndian, true
	case text[1] == 0 && text[3] == 0 && text[0] != 0:
		return binary.LittleEndian, true
	case text[0] == 0 && text[2] == 0 && text[1] != 0:
		return binary.BigEndian, true
	}
	return nil, false
}

func fromUTF16(text []byte, order binary.ByteOrder) []byte {
	units := make([]uint16, 0, len(text)/2)
	for i := 0; i+1 < len(text); i += 2 {
		if u := order.Uint16(text[i:]); u != 0xfeff {
			units = append(units, u)
		}
	}
	return []byte(string(utf16.Decode(units)))
}

var (
	normalOutput = regexp.MustCompile(`(?m)^\S.*: \(groupid=\d+, jobs=\d+\): err=`)
	terseOutput  = regexp.MustCompile(`(?m)^[2-5];fio-[^;]*;`)
)

// known names text that fio printed in another format, nil for any other.
func knownFormat(text []byte) error {
	switch {
	case normalOutput.Match(text):
		return ErrNormal
	case terseOutput.Match(text):
		return ErrTerse
	}
	return nil
}

// FioText tells whether text is fio's output in some format: whoever looks
// through files should name those that it cannot read.
func FioText(head []byte) bool {
	head = plain(head)
	return bytes.Contains(head, []byte(`"fio version"`)) || bytes.Contains(head, []byte(`\"fio version\"`)) || knownFormat(head) != nil
}
