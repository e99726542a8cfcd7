package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/go-viper/mapstructure/v2"
	"github.com/knadh/koanf/v2"
)

// decode writes the merged value of f into its struct.
func (f Field) decode(merged *koanf.Koanf, origin string) error {
	// A fresh value: a list from the file replaces the default, element by
	// element merging would leave the rest of the default in place.
	target := reflect.New(f.value.Type())
	err := merged.UnmarshalWithConf(f.Key, target.Interface(), koanf.UnmarshalConf{
		DecoderConfig: &mapstructure.DecoderConfig{
			TagName:          "config",
			Result:           target.Interface(),
			WeaklyTypedInput: true, // every scalar arrives as text
			ErrorUnused:      true,
			MatchName:        func(key, field string) bool { return key == field },
			DecodeHook: mapstructure.ComposeDecodeHookFunc(
				decodeSecret, decodeDuration, decodeWords,
				mapstructure.TextUnmarshallerHookFunc()),
		},
	})
	if err != nil {
		if kind := f.value.Kind(); kind >= reflect.Bool && kind <= reflect.Float64 && f.value.Type() != durationType {
			err = fmt.Errorf("%q", merged.String(f.Key)) // what the decoder says of scalars names neither value nor remedy
		}
		return fmt.Errorf("%s: %s is not a valid %s: %w", origin, f.Key, f.Type, err)
	}
	f.value.Set(target.Elem())
	return nil
}

func decodeSecret(from, to reflect.Type, data any) (any, error) {
	if from.Kind() != reflect.String || to != secretType {
		return data, nil
	}
	return NewSecret(fmt.Sprint(data)), nil
}

// decodeDuration insists on a unit: a bare 30 could be seconds or anything.
func decodeDuration(from, to reflect.Type, data any) (any, error) {
	if from.Kind() != reflect.String || to != durationType {
		return data, nil
	}
	d, err := time.ParseDuration(fmt.Sprint(data))
	if err != nil {
		return nil, fmt.Errorf("duration %q: want a number with a unit, as in 500ms, 30s, 5m or 2h", data)
	}
	return d, nil
}

// decodeWords turns a,b into a list and k=v,k=v into a map, which is how
// variables and flags write them.
func decodeWords(from, to reflect.Type, data any) (any, error) {
	if from.Kind() != reflect.String {
		return data, nil
	}
	switch kindName(to) {
	case "list":
		return words(fmt.Sprint(data)), nil
	case "map":
		pairs := map[string]any{}
		for _, word := range words(fmt.Sprint(data)) {
			key, value, ok := strings.Cut(word, "=")
			if !ok {
				return nil, fmt.Errorf("%q: want key=value", word)
			}
			pairs[key] = value
		}
		return pairs, nil
	}
	return data, nil
}

// words splits at commas; empty words are dropped, so "" is the empty list.
func words(text string) []string {
	list := []string{}
	for word := range strings.SplitSeq(text, ",") {
		if word = strings.TrimSpace(word); word != "" {
			list = append(list, word)
		}
	}
	return list
}

func sortedKeys(m reflect.Value) []reflect.Value {
	return slices.SortedFunc(slices.Values(m.MapKeys()), func(a, b reflect.Value) int {
		return strings.Compare(fmt.Sprint(a), fmt.Sprint(b))
	})
}
