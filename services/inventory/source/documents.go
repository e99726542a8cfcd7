package source

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"unicode/utf16"

	"github.com/fiord-bench/fiord/services/inventory/instance"
)

// ErrPartial: a document that says itself that it is not all, or that lacks
// what every machine in it should have.
var ErrPartial = errors.New("the document is a part of the machines, or of what is known of them")

// Read reads what a pipe brings: one document of a tool or several in a row, as
// jq prints them, in any of the encodings that shells write. All must be of one
// kind. A machine that is in several is taken once, as it was last. name is the
// source they are said to come from, the kind's if it is empty.
func Read(raw []byte, name string) (Kind, []instance.Instance, error) {
	documents, err := split(decoded(raw))
	if err != nil {
		return "", nil, err
	}
	var kind Kind
	var all []instance.Instance
	for n, document := range documents {
		k, err := Detect(document)
		if err != nil {
			return "", nil, inDocument(n, len(documents), err)
		}
		if err := whole(document); err != nil {
			return "", nil, inDocument(n, len(documents), err)
		}
		if kind == "" || kind == Empty {
			kind = k
		}
		if k != kind && k != Empty {
			return "", nil, fmt.Errorf("document %d of %d is of %s and the ones before of %s: give them apart, each with its name", n+1, len(documents), k, kind)
		}
		source := name
		if source == "" {
			source = string(k)
		}
		list, err := Parse(k, source, document)
		if err != nil {
			return "", nil, inDocument(n, len(documents), err)
		}
		all = merge(all, list)
	}
	return kind, all, described(kind, all)
}

func inDocument(n, of int, err error) error {
	if of == 1 {
		return err
	}
	return fmt.Errorf("document %d of %d: %w", n+1, of, err)
}

// merge appends machines; one that is there already is replaced.
func merge(all, list []instance.Instance) []instance.Instance {
	if len(all) == 0 {
		return list
	}
	at := make(map[string]int, len(all))
	for i := range all {
		at[all[i].Key()] = i
	}
	for _, i := range list {
		if n, seen := at[i.Key()]; seen {
			all[n] = i
			continue
		}
		at[i.Key()] = len(all)
		all = append(all, i)
	}
	return all
}

// decoded is the text without its mark of byte order, as UTF-8: PowerShell
// writes UTF-16.
func decoded(raw []byte) []byte {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(raw, []byte{0xef, 0xbb, 0xbf}):
		return raw[3:]
	case bytes.HasPrefix(raw, []byte{0xff, 0xfe}):
		order = binary.LittleEndian
	case bytes.HasPrefix(raw, []byte{0xfe, 0xff}):
		order = binary.BigEndian
	default:
		return raw
	}
	units := make([]uint16, 0, len(raw)/2)
	for pair := range slices.Chunk(raw[2:], 2) {
		if len(pair) == 2 {
			units = append(units, order.Uint16(pair))
		}
	}
	return []byte(string(utf16.Decode(units)))
}

// maxDocuments bounds how many stand in a row.
const maxDocuments = 1_000_000

// split finds the JSON values that stand in a row. Machines and reservations
// alone, as jq prints them, become one list each.
func split(raw []byte) ([][]byte, error) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || raw[0] != '{' && raw[0] != '[' {
		return [][]byte{raw}, nil // Detect knows what to say
	}
	if json.Valid(raw) {
		return [][]byte{raw}, nil // one, as nearly always, and not copied
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	var list [][]byte
	for {
		var value json.RawMessage
		err := d.Decode(&value)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			if len(list) == 0 {
				return [][]byte{raw}, nil // Detect knows what to say
			}
			return nil, fmt.Errorf("%w: behind document %d: %w", ErrBroken, len(list), err)
		}
		if list = append(list, value); len(list) > maxDocuments {
			return nil, fmt.Errorf("more than %d documents", maxDocuments)
		}
	}
	if len(list) > 1 && slices.ContainsFunc(list, isPiece) && !slices.ContainsFunc(list, func(v []byte) bool { return !isPiece(v) }) {
		return [][]byte{slices.Concat([]byte{'['}, bytes.Join(list, []byte{','}), []byte{']'})}, nil
	}
	return list, nil
}

// isPiece says whether a value is one machine or reservation of Amazon's.
func isPiece(raw []byte) bool {
	var object struct {
		InstanceID    json.RawMessage `json:"InstanceId"`
		ReservationID json.RawMessage `json:"ReservationId"`
	}
	return json.Unmarshal(raw, &object) == nil && (object.InstanceID != nil || object.ReservationID != nil)
}

// whole reports a page that says that there are more.
func whole(raw []byte) error {
	var object struct {
		NextToken     *string
		NextPageToken *string `json:"nextPageToken"`
	}
	if err := json.Unmarshal(raw, &object); err != nil {
		return nil //nolint:nilerr // a list has no token
	}
	if object.NextToken != nil && *object.NextToken != "" || object.NextPageToken != nil && *object.NextPageToken != "" {
		return fmt.Errorf("%w: it has a token for a next page: run the command without --max-items, --max-results and --no-paginate", ErrPartial)
	}
	return nil
}

// described reports machines of which nobody could be reached, because the tool
// was not asked for their addresses.
func described(kind Kind, list []instance.Instance) error {
	if kind != Azure || len(list) == 0 {
		return nil
	}
	for i := range list {
		if len(list[i].Addresses.All()) > 0 || list[i].State != "" {
			return nil
		}
	}
	return fmt.Errorf("%w: it has no addresses and states: add --show-details (-d) to az vm list", ErrPartial)
}
