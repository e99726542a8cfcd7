// Package asmade reads JSON that has exactly the form in which encoding/json
// writes a struct: no white space, fields in their order, each at most once. That
// is how fiord's own events arrive, and knowing the next name instead of looking
// it up takes a quarter of a general decoder's time.
//
// A [Reader] refuses whatever looks different without saying why: such a document
// is for a general decoder, which also finds the words for what is wrong. What it
// accepts it reads as the general decoder would; a fuzz test of package events
// compares the two.
package asmade

import (
	"encoding"
	"encoding/json"
	"reflect"
	"strings"
	"time"
)

// Reader reads the values of one type.
type Reader struct{ read reader }

// reader reads one value off the front of s into v and gives what follows it. It
// may leave v half-filled when it refuses.
type reader func(s string, v reflect.Value) (rest string, ok bool)

// For makes the reader of a type, or gives nil if the type has parts that it does
// not know how to read.
func For(t reflect.Type) *Reader {
	r := compile(t, nil)
	if r == nil {
		return nil
	}
	return &Reader{r}
}

// Read reads the whole of raw into the value that pointer points to. The strings
// read share one copy of raw. After a refusal the value is of no use.
func (r *Reader) Read(raw []byte, pointer any) bool {
	rest, ok := r.read(string(raw), reflect.ValueOf(pointer).Elem())
	return ok && rest == ""
}

var (
	timeType = reflect.TypeFor[time.Time]()
	fromJSON = reflect.TypeFor[json.Unmarshaler]()
	fromText = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// compile makes a type's reader; nil if it cannot. Above are the types that
// contain this one: none can be read that contains itself.
func compile(t reflect.Type, above []reflect.Type) reader {
	for _, a := range above {
		if a == t {
			return nil
		}
	}
	above = append(above[:len(above):len(above)], t)
	p := reflect.PointerTo(t)
	switch {
	case t == timeType:
		return readTime
	case p.Implements(fromJSON):
		return readQuotedJSON
	case p.Implements(fromText):
		return readQuotedText
	}
	switch t.Kind() {
	case reflect.String:
		return readString
	case reflect.Bool:
		return readBool
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return readInt
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return readUint
	case reflect.Float32, reflect.Float64:
		return readFloat
	case reflect.Pointer:
		return pointerTo(compile(t.Elem(), above))
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 { // base64
			return nil
		}
		return sliceOf(compile(t.Elem(), above))
	case reflect.Map:
		if t.Key().Kind() != reflect.String || reflect.PointerTo(t.Key()).Implements(fromText) {
			return nil
		}
		return mapOf(compile(t.Elem(), above))
	case reflect.Struct:
		return structOf(fields(t, nil, above))
	default:
		return nil
	}
}

// field of a struct: the `"name":` before its value, and where it goes.
type field struct {
	name  string
	index []int
	read  reader
}

// fields lists those of a struct, embedded ones in their place; nil if one cannot
// be read, or asks for more than a name.
func fields(t reflect.Type, at []int, above []reflect.Type) []field {
	list := []field{}
	for f := range t.Fields() {
		index := append(at[:len(at):len(at)], f.Index...)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct:
			embedded := fields(f.Type, index, above)
			if embedded == nil {
				return nil
			}
			list = append(list, embedded...)
			continue
		case name == "-" && options == "":
			continue
		case !f.IsExported() || name == "" || options != "" && options != "omitempty" && options != "omitzero":
			return nil
		}
		read := compile(f.Type, above)
		if read == nil {
			return nil
		}
		list = append(list, field{`"` + name + `":`, index, read})
	}
	return list
}

func structOf(list []field) reader {
	if list == nil {
		return nil
	}
	return func(s string, v reflect.Value) (string, bool) {
		s, ok := strings.CutPrefix(s, "{")
		if !ok {
			return "", false
		}
		if rest, ok := strings.CutPrefix(s, "}"); ok {
			return rest, true
		}
		for i := range list {
			value, ok := strings.CutPrefix(s, list[i].name)
			if !ok {
				continue
			}
			if s, ok = list[i].read(value, v.FieldByIndex(list[i].index)); !ok || s == "" {
				return "", false
			}
			switch s[0] {
			case '}':
				return s[1:], true
			case ',':
				s = s[1:]
			default:
				return "", false
			}
		}
		return "", false
	}
}
