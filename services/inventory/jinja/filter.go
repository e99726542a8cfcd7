package jinja

import (
	"crypto/md5"  //nolint:gosec // the filter's name, a checksum
	"crypto/sha1" //nolint:gosec // the filter's name, a checksum
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math"
	"path"
	"strconv"
	"strings"

	"github.com/jmespath/go-jmespath"
	"github.com/tidwall/gjson"
	"go.yaml.in/yaml/v4"
)

// filterFunc is what a filter does. Only default and those of lists get values
// that are or contain what is undefined.
type filterFunc func(v any, a arguments) (any, error)

// takesUndefined are the filters that have a use for what is undefined.
var takesUndefined = map[string]bool{"default": true, "d": true, "mandatory": true}

// filters by name. It is filled by a function because map and select look
// filters and tests up in it.
var filters = makeFilters()

func makeFilters() map[string]filterFunc {
	all := map[string]filterFunc{
		"default": defaulted, "d": defaulted,
		"mandatory": func(v any, _ arguments) (any, error) { return defined(v, nil) },
		"lower":     onText(textMethods["lower"]), "upper": onText(textMethods["upper"]),
		"trim": onText(textMethods["strip"]), "replace": onText(replaceText), "split": onText(splitText),
		"capitalize": onText(textMethods["capitalize"]), "title": onText(textMethods["title"]),
		"string":        onText(func(s string, _ arguments) (any, error) { return s, nil }),
		"truncate":      onText(truncated),
		"wordcount":     onText(func(s string, _ arguments) (any, error) { return int64(len(strings.Fields(s))), nil }),
		"format":        onText(func(s string, a arguments) (any, error) { return percent(s, a.list) }),
		"regex_replace": onText(regexReplace), "regex_search": onText(regexSearch), "regex_findall": onText(regexFindall),
		"regex_escape": onText(func(s string, _ arguments) (any, error) { return escapeRegex(s), nil }),
		"b64encode":    onText(func(s string, _ arguments) (any, error) { return base64.StdEncoding.EncodeToString([]byte(s)), nil }),
		"b64decode": onText(func(s string, _ arguments) (any, error) {
			raw, err := base64.StdEncoding.DecodeString(s)
			return strings.ToValidUTF8(string(raw), "\ufffd"), err
		}),
		"hash": onText(hashed), "checksum": onText(func(s string, _ arguments) (any, error) { return digest("sha1", s) }),
		"md5":      onText(func(s string, _ arguments) (any, error) { return digest("md5", s) }),
		"sha1":     onText(func(s string, _ arguments) (any, error) { return digest("sha1", s) }),
		"quote":    onText(func(s string, _ arguments) (any, error) { return shellQuoted(s), nil }),
		"basename": onText(func(s string, _ arguments) (any, error) { return s[strings.LastIndexByte(s, '/')+1:], nil }),
		"dirname":  onText(func(s string, _ arguments) (any, error) { return dirname(s), nil }),
		"splitext": onText(func(s string, _ arguments) (any, error) {
			ext := path.Ext(s)
			return []any{strings.TrimSuffix(s, ext), ext}, nil
		}),
		"int": toInt, "float": toFloat, "bool": toBool, "abs": absolute, "round": rounded, "human_readable": humanReadable,
		"length": count, "count": count,
		"ternary": func(v any, a arguments) (any, error) {
			if v == nil && len(a.list) > 2 {
				return a.list[2], nil
			}
			if truth(v) {
				return a.get(0, "true_val", nil), nil
			}
			return a.get(1, "false_val", nil), nil
		},
		"to_json": func(v any, _ arguments) (any, error) {
			var b strings.Builder
			err := writeJSON(&b, v)
			return b.String(), err
		},
		"from_json": onText(func(s string, _ arguments) (any, error) {
			if !gjson.Valid(s) {
				return nil, fmt.Errorf("not JSON")
			}
			return native(gjson.Parse(s)), nil
		}),
		"from_yaml": onText(func(s string, _ arguments) (any, error) {
			var v any
			err := yaml.Load([]byte(s), &v)
			return fromPlain(v), err
		}),
		"json_query": func(v any, a arguments) (any, error) {
			query, err := a.text(0, "expr", "")
			if err != nil {
				return nil, err
			}
			found, err := jmespath.Search(query, plain(v))
			return fromPlain(found), err
		},
		"attr": func(any, arguments) (any, error) {
			return undefined{what: "an attribute of the kind that attr means: use item.name"}, nil
		},
	}
	listFilters(all)
	dictFilters(all)
	return all
}

func onText(apply func(string, arguments) (any, error)) filterFunc {
	return func(v any, a arguments) (any, error) {
		s, err := text(v)
		if err != nil {
			return nil, err
		}
		return apply(s, a)
	}
}

// defaulted gives what is undefined a value; with a true second argument also
// what is false or empty.
func defaulted(v any, a arguments) (any, error) {
	_, missing := v.(undefined)
	if missing || truth(a.get(1, "boolean", false)) && !truth(v) {
		return a.get(0, "default_value", ""), nil
	}
	return v, nil
}

func count(v any, _ arguments) (any, error) {
	n := length(v)
	if n < 0 {
		return nil, fmt.Errorf("%s has no length", describe(v))
	}
	return int64(n), nil
}

func toInt(v any, a arguments) (any, error) {
	base, err := a.whole(1, "base", 10)
	if err != nil || base < 2 || base > 36 {
		return nil, fmt.Errorf("int has no base %v", a.get(1, "base", 10))
	}
	switch v := v.(type) {
	case string:
		if n, err := strconv.ParseInt(strings.ReplaceAll(strings.TrimSpace(v), "_", ""), int(base), 64); err == nil {
			return n, nil
		}
		if f, err := strconv.ParseFloat(strings.TrimSpace(v), 64); err == nil && base == 10 && math.Abs(f) < 1<<62 {
			return int64(f), nil
		}
	case float64:
		if math.Abs(v) < 1<<62 {
			return int64(v), nil
		}
	default:
		if n, ok := integer(v); ok {
			return n, nil
		}
	}
	return a.get(0, "default", int64(0)), nil
}

func toFloat(v any, a arguments) (any, error) {
	if s, ok := v.(string); ok {
		if f, err := strconv.ParseFloat(strings.TrimSpace(s), 64); err == nil && !math.IsInf(f, 0) && !math.IsNaN(f) {
			return f, nil
		}
	} else if f, ok := number(v); ok {
		return f, nil
	}
	return a.get(0, "default", 0.0), nil
}

// toBool is Ansible's: yes, on, 1 and true in any case are true.
func toBool(v any, _ arguments) (any, error) {
	switch v := v.(type) {
	case nil, bool:
		return v, nil
	case string:
		switch strings.ToLower(v) {
		case "yes", "on", "1", "true":
			return true, nil
		}
		return false, nil
	}
	n, ok := number(v)
	return ok && n == 1, nil
}

func absolute(v any, _ arguments) (any, error) {
	if n, ok := v.(int64); ok && n > math.MinInt64 {
		return max(n, -n), nil
	}
	f, ok := number(v)
	if !ok {
		return nil, fmt.Errorf("abs needs a number, not %s", describe(v))
	}
	return math.Abs(f), nil
}

func rounded(v any, a arguments) (any, error) {
	f, ok := number(v)
	if !ok {
		return nil, fmt.Errorf("round needs a number, not %s", describe(v))
	}
	precision, err := a.whole(0, "precision", 0)
	if err != nil {
		return nil, err
	}
	method, err := a.text(1, "method", "common")
	scale := math.Pow(10, float64(min(max(precision, -15), 15)))
	round := map[string]func(float64) float64{"common": math.RoundToEven, "ceil": math.Ceil, "floor": math.Floor}[method]
	if round == nil {
		return nil, fmt.Errorf("round has no method %q", method)
	}
	return round(f*scale) / scale, err
}

func humanReadable(v any, _ arguments) (any, error) {
	f, ok := number(v)
	if !ok {
		return nil, fmt.Errorf("human_readable needs a number, not %s", describe(v))
	}
	unit, units := 0, []string{"Bytes", "KB", "MB", "GB", "TB", "PB", "EB"}
	for f >= 1024 && unit+1 < len(units) {
		f, unit = f/1024, unit+1
	}
	return fmt.Sprintf("%.2f %s", f, units[unit]), nil
}

func hashed(s string, a arguments) (any, error) {
	kind, err := a.text(0, "hashtype", "sha1")
	if err != nil {
		return nil, err
	}
	return digest(kind, s)
}

func digest(kind, s string) (any, error) {
	switch kind {
	case "md5":
		sum := md5.Sum([]byte(s)) //nolint:gosec // as above
		return hex.EncodeToString(sum[:]), nil
	case "sha1":
		sum := sha1.Sum([]byte(s)) //nolint:gosec // as above
		return hex.EncodeToString(sum[:]), nil
	case "sha256":
		sum := sha256.Sum256([]byte(s))
		return hex.EncodeToString(sum[:]), nil
	case "sha512":
		sum := sha512.Sum512([]byte(s))
		return hex.EncodeToString(sum[:]), nil
	}
	return nil, fmt.Errorf("hash has no kind %q; there are md5, sha1, sha256 and sha512", kind)
}

func escapeRegex(s string) string {
	var b strings.Builder
	for _, r := range s {
		if strings.ContainsRune("()[]{}?*+-|^$\\.&~# \t\n\r\v\f", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

func shellQuoted(s string) string {
	safe := s != "" && strings.IndexFunc(s, func(r rune) bool {
		return !(r < 0x80 && (isLetter(byte(r)) || isDigit(byte(r)) || strings.ContainsRune("@%+=:,./-", r)))
	}) < 0
	if safe {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'"'"'`) + "'"
}

func dirname(s string) string {
	i := strings.LastIndexByte(s, '/')
	if i < 0 {
		return ""
	}
	if head := strings.TrimRight(s[:i+1], "/"); head != "" {
		return head
	}
	return s[:i+1]
}

// filter reads the name of a filter and its arguments. A regular expression
// that is written out is compiled here, so that a bad one is found at once.
func (p *parser) filter(input node) (node, error) {
	t := p.next()
	if t.kind == name && (t.text == "ansible" || t.text == "community") { // ansible.builtin.x, community.general.json_query
		t = p.qualified(t)
	}
	f, known := filters[t.text]
	if t.kind != name || !known {
		return nil, p.unsupported(t, "filter", namesOf(filters))
	}
	var args argumentNodes
	if p.accept(symbol, "(") {
		var err error
		if args, err = p.arguments(); err != nil {
			return nil, err
		}
	}
	if err := checkPattern(t.text, args); err != nil {
		return nil, p.fail(t, "%v", err)
	}
	return func(s Scope) (any, error) {
		v, err := input(s)
		if err != nil {
			return nil, err
		}
		if u, missing := v.(undefined); missing && !takesUndefined[t.text] {
			return nil, u.err()
		}
		evaluate := args.eval
		if takesUndefined[t.text] {
			evaluate = args.evalLoosely
		}
		values, err := evaluate(s)
		if err != nil {
			return nil, err
		}
		out, err := f(v, values)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", t.text, err)
		}
		return out, nil
	}, nil
}

// checkPattern compiles the pattern of a filter if it is a constant.
func checkPattern(filter string, args argumentNodes) error {
	if !strings.HasPrefix(filter, "regex_") || filter == "regex_escape" || len(args.positional) == 0 {
		return nil
	}
	v, err := args.positional[0](noVariables{})
	source, ok := v.(string)
	if err != nil || !ok {
		return nil //nolint:nilerr // not a constant: it is compiled when it has a value
	}
	_, err = compile(source, false, false)
	return err
}

// noVariables is the scope in which only constants have a value.
type noVariables struct{}

func (noVariables) Lookup(string) (any, bool) { return nil, false }
