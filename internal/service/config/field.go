package config

import (
	"encoding"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/fiord-bench/fiord/events"
)

// EnvPrefix starts the name of every variable that fiord reads.
const EnvPrefix = "FIORD_"

// A Field is one setting.
type Field struct {
	Key     string // path in the file, as in bench.docker.image
	Flag    string // without the dashes; "" for a setting of the file alone
	Env     string // "" for a setting of the file alone
	Type    string // as help shows it: text, bool, int, float, duration, size, list, map, secret, structure
	Default string // "" for none
	Help    string

	value reflect.Value // the field itself, settable
}

var (
	secretType      = reflect.TypeFor[Secret]()
	sizeType        = reflect.TypeFor[events.Bytes]()
	durationType    = reflect.TypeFor[time.Duration]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// describe lists the settings of the struct v, in the order of its fields.
func describe(v reflect.Value, path string, bare string) ([]Field, error) {
	var fields []Field
	for _, sf := range reflect.VisibleFields(v.Type()) {
		if len(sf.Index) > 1 || !sf.IsExported() {
			continue // promoted fields are met in their own struct
		}
		key, ok := sf.Tag.Lookup("config")
		if !ok || key == "" {
			return nil, fmt.Errorf("describe settings: %s.%s has no config tag", v.Type(), sf.Name)
		}
		if key == "-" {
			continue
		}
		full := joinKey(path, key)
		fv := v.FieldByIndex(sf.Index)
		if isGroup(sf.Type) {
			nested, err := describe(fv, full, bare)
			if err != nil {
				return nil, err
			}
			fields = append(fields, nested...)
			continue
		}
		fields = append(fields, newField(full, bare, sf.Tag.Get("help"), fv))
	}
	return fields, nil
}

func newField(key, bare, help string, value reflect.Value) Field {
	f := Field{Key: key, Type: kindName(value.Type()), Help: help, Default: defaultText(value), value: value}
	if f.Type != "structure" {
		f.Flag = strings.TrimPrefix(key, bare)
		f.Env = EnvPrefix + strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(key))
	}
	return f
}

// secret says whether the setting is read from files and the environment only.
func (f Field) secret() bool { return f.Type == "secret" }

// isGroup says whether a struct holds settings rather than being a value.
func isGroup(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && t != secretType && !reflect.PointerTo(t).Implements(textUnmarshaler)
}

func kindName(t reflect.Type) string {
	switch {
	case t == secretType:
		return "secret"
	case t == durationType:
		return "duration"
	case t == sizeType:
		return "size"
	case reflect.PointerTo(t).Implements(textUnmarshaler):
		return "text"
	}
	switch t.Kind() {
	case reflect.Bool:
		return "bool"
	case reflect.String:
		return "text"
	case reflect.Float32, reflect.Float64:
		return "float"
	case reflect.Slice:
		if isScalar(t.Elem()) {
			return "list"
		}
	case reflect.Map:
		if isScalar(t.Elem()) {
			return "map"
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "int"
	}
	return "structure"
}

// isScalar says whether one word of text can hold a value of type t.
func isScalar(t reflect.Type) bool {
	switch kindName(t) {
	case "list", "map", "structure", "secret":
		return false
	}
	return true
}

func defaultText(v reflect.Value) string {
	switch kindName(v.Type()) {
	case "secret", "structure":
		return ""
	case "bool":
		return fmt.Sprint(v.Interface())
	case "list", "map":
		return listText(v)
	}
	if v.IsZero() && v.Kind() == reflect.String {
		return ""
	}
	if d, ok := v.Interface().(time.Duration); ok {
		return durationText(d)
	}
	if m, ok := v.Interface().(encoding.TextMarshaler); ok {
		text, err := m.MarshalText()
		if err == nil {
			return string(text)
		}
	}
	return fmt.Sprint(v.Interface())
}

// durationText writes 1h0m0s as 1h.
func durationText(d time.Duration) string {
	text := d.String()
	for _, empty := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, empty) {
			text = text[:len(text)-2]
		}
	}
	return text
}

// listText writes a list or map the way the environment takes it.
func listText(v reflect.Value) string {
	var words []string
	if v.Kind() == reflect.Map {
		for _, k := range sortedKeys(v) {
			words = append(words, fmt.Sprintf("%v=%v", k, v.MapIndex(k)))
		}
	} else {
		for i := range v.Len() {
			words = append(words, fmt.Sprint(v.Index(i).Interface()))
		}
	}
	return strings.Join(words, ",")
}

func joinKey(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
