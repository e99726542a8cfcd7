package instance

import (
	"encoding/json"
	"strings"
)

// Member is a member of a JSON object.
type Member struct {
	Key string
	// Value is the value's JSON as it stands in the document.
	Value string
}

// Members appends the members of a canonical JSON object to a list, in their
// order. It finds where values end and looks at nothing in them, which is many
// times faster than decoding. Of what isn't such an object it returns what
// comes before the fault.
func Members(list []Member, raw string) []Member {
	if raw == "" || raw[0] != '{' {
		return list
	}
	for at := 1; at < len(raw) && raw[at] == '"'; at++ {
		end := textEnd(raw, at)
		if end >= len(raw) || raw[end] != ':' {
			return list
		}
		key, ok := memberKey(raw[at:end])
		at = end + 1
		end = valueEnd(raw, at)
		if !ok || end == at || end >= len(raw) {
			return list
		}
		list = append(list, Member{key, raw[at:end]})
		if at = end; raw[at] != ',' {
			return list
		}
	}
	return list
}

// memberKey is the text of a quoted key.
func memberKey(quoted string) (string, bool) {
	if strings.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1], true
	}
	var key string
	err := json.Unmarshal([]byte(quoted), &key)
	return key, err == nil
}

// textEnd is the index behind the string that starts at an index, or beyond
// the end if it isn't closed.
func textEnd(raw string, at int) int {
	for at++; at < len(raw); at++ {
		next := strings.IndexByte(raw[at:], '"')
		if next < 0 {
			break
		}
		escape := strings.IndexByte(raw[at:at+next], '\\')
		if escape < 0 {
			return at + next + 1
		}
		at += escape + 1 // and over what is escaped
	}
	return len(raw) + 1
}

// valueEnd is the index behind the value that starts at an index.
func valueEnd(raw string, at int) int {
	for depth := 0; at < len(raw); at++ {
		switch raw[at] {
		case '"':
			if at = textEnd(raw, at); depth == 0 {
				return at
			}
			at--
		case '{', '[':
			depth++
		case ',':
			if depth == 0 {
				return at
			}
		case '}', ']':
			if depth == 0 {
				return at // the end of the object: a scalar was its last value
			}
			if depth--; depth == 0 {
				return at + 1
			}
		}
	}
	return len(raw)
}
