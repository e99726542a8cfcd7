package jinja_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/fiord-bench/fiord/services/inventory/jinja"
)

// document is a scope over a JSON object.
type document string

func (d document) Lookup(name string) (any, bool) {
	var found gjson.Result
	gjson.Parse(string(d)).ForEach(func(k, v gjson.Result) bool {
		if k.Str == name {
			found = v
		}
		return true
	})
	return found, found.Exists()
}

const host = document(`{
	"instance_id": "i-1", "cores": 4, "ratio": 0.5, "spot": false, "nothing": null, "empty": "",
	"placement": {"region": "eu-west-1", "tenancy": "default"},
	"security_groups": [{"group_name": "web-sg"}, {"group_name": "ssh"}],
	"tags": {"Name": "Web-1", "Role": "web,db", "a-b": "c", "Größe": "ü"},
	"ids": [1, 2, 3]
}`)

func TestExpressionsMeanWhatTheyMeanToAnsible(t *testing.T) {
	for input, want := range map[string]string{
		`instance_id`:                                     `"i-1"`,
		`tags.Name`:                                       `"Web-1"`,
		`tags['a-b']`:                                     `"c"`,
		`tags["Größe"] | upper`:                           `"Ü"`,
		`security_groups[0].group_name`:                   `"web-sg"`,
		`security_groups[-1].group_name`:                  `"ssh"`,
		`security_groups.1.group_name`:                    `"ssh"`,
		`tags.Name | lower`:                               `"web-1"`,
		`tags.Missing | default('none')`:                  `"none"`,
		`missing.deep.deeper | default('x')`:              `"x"`,
		`tags.Missing | d`:                                `""`,
		`empty | default('x')`:                            `""`,
		`empty | default('x', true)`:                      `"x"`,
		`nothing | default('x')`:                          `null`,
		`cores`:                                           `4`,
		`cores + 1`:                                       `5`,
		`dict([["a", 1], ["b", 2]]).b`:                    `2`,
		`dict(tags.keys() | list | zip([1, 2])) | length`: `2`,
		`dict({"a": 1}, b=2) | dictsort | map("first") | join`: `"ab"`,
		`cores == 4.0`:                   `true`,
		`cores == '4'`:                   `false`,
		`cores ~ '/' ~ ratio`:            `"4/0.5"`,
		`ratio * 2`:                      `1`,
		`'web' in tags.Role`:             `true`,
		`'db' in tags.Role | split(',')`: `true`,
		`'Name' in tags`:                 `true`,
		`'name' not in tags`:             `true`,
		`2 in ids`:                       `true`,
		`cores in [1, 4]`:                `true`,
		`not spot`:                       `true`,
		`not not spot`:                   `false`,
		`not spot and cores > 2`:         `true`,
		`spot or tags.Name`:              `"Web-1"`,
		`spot or cores >= 8 or false`:    `false`,
		`placement.region == "eu-west-1" and (cores < 2 or cores > 3)`: `true`,
		`tags.Name is defined`:                                   `true`,
		`tags.Missing is defined`:                                `false`,
		`missing.a.b is not defined`:                             `true`,
		`missing is undefined`:                                   `true`,
		`tags.Name if spot else instance_id`:                     `"i-1"`,
		`missing if spot else 1`:                                 `1`,
		`tags.Name | replace('-', '_')`:                          `"Web_1"`,
		`tags.Name | regex_replace('([A-Z])eb-(\\d)', '\\2\\1')`: `"1W"`,
		`tags.Name | regex_replace('-.*')`:                       `"Web"`,
		`tags.Name | regex_replace('(?P<n>\\d)', '[\\g<n>]$1')`:  `"Web-[1]$1"`,
		`ids | join(',')`:                                        `"1,2,3"`,
		`ids | first`:                                            `1`,
		`ids | last`:                                             `3`,
		`ids | length`:                                           `3`,
		`tags | count`:                                           `4`,
		`'12' | int + 1`:                                         `13`,
		`'x' | int`:                                              `0`,
		`'yes' | bool`:                                           `true`,
		`2 | bool`:                                               `false`,
		`[1, 'a', none]`:                                         `[1,"a",null]`,
		`ids + [4]`:                                              `[1,2,3,4]`,
		`'a' < 'b'`:                                              `true`,
		`True`:                                                   `true`,
		`-1`:                                                     `-1`,
		`"it's"`:                                                 `"it's"`,
		`'a\'b\n'`:                                               `"a'b\n"`,
		`placement`:                                              `{"region": "eu-west-1", "tenancy": "default"}`,
		`placement == placement`:                                 `true`,
		`ids == [1, 2, 3]`:                                       `true`,
		`'abc'[1]`:                                               `"b"`,
	} {
		e, err := jinja.Parse(input)
		if want == "" {
			if err == nil {
				t.Errorf("Parse(%s) succeeded, want an error", input)
			}
			continue
		}
		if err != nil {
			t.Errorf("Parse(%s): %v", input, err)
			continue
		}
		v, err := e.Eval(host)
		if err != nil {
			t.Errorf("%s: %v", input, err)
			continue
		}
		if got := written(t, v); got != want {
			t.Errorf("%s = %s, want %s", input, got, want)
		}
	}
}

func written(t *testing.T, v any) string {
	t.Helper()
	if r, ok := v.(gjson.Result); ok {
		return r.Raw
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(b.String())
}

func TestWhatIsNotSupportedIsRefusedByName(t *testing.T) {
	for input, want := range map[string]string{
		``:                          "column 1: the expression ends where a value is needed",
		`tags.Name | rot13`:         `column 13: the filter "rot13" isn't supported`,
		`import_('os')`:             `column 1: the function "import_" isn't supported`,
		`tags.Name.encode()`:        `column 11: the method "encode" isn't supported`,
		`a is prime`:                `the test "prime" isn't supported`,
		`a not b`:                   "column 3: not behind a value",
		`a b`:                       `column 3: "b" isn't supported after the expression`,
		`(a`:                        "column 3: the expression ends where ) is needed",
		`{'a': 1`:                   "the expression ends where } is needed",
		`a[`:                        "where a value is needed",
		`'a`:                        "column 1: string without its closing '",
		`a | regex_replace('(?<x')`: "isn't supported",
		`a.`:                        "name of an attribute",
		`and`:                       "expected a value, not and",
		`007`:                       "is no number",
		`ec2-user@host`:             "'@' isn't supported",
		"a == \xff":                 "not UTF-8",
		strings.Repeat("(", 60):     "nested deeper",
		strings.Repeat("-", 60):     "nested deeper",
	} {
		_, err := jinja.Parse(input)
		var syntax *jinja.SyntaxError
		if !errors.As(err, &syntax) || !strings.Contains(err.Error(), want) {
			t.Errorf("Parse(%q) = %v, want a syntax error with %q", input, err, want)
		}
	}
}

func TestUndefinedIsAnErrorThatNamesIt(t *testing.T) {
	for input, want := range map[string]string{
		`missing`:                 "undefined: missing",
		`tags.Missing`:            "undefined: Missing",
		`missing.deep`:            "undefined: missing",
		`ids[7]`:                  "undefined: 7",
		`tags.Missing == 'x'`:     "undefined: Missing",
		`not missing`:             "undefined: missing",
		`missing and true`:        "undefined: missing",
		`missing | lower`:         "undefined: missing",
		`tags[missing]`:           "undefined: missing",
		`'a' ~ missing`:           "undefined: missing",
		`[missing]`:               "undefined: missing",
		`'x' if missing else 'y'`: "undefined: missing",
	} {
		e, err := jinja.Parse(input)
		if err != nil {
			t.Errorf("Parse(%s): %v", input, err)
			continue
		}
		if _, err := e.Eval(host); !errors.Is(err, jinja.ErrUndefined) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", input, err, want)
		}
	}
}

func TestWrongKindsAreErrors(t *testing.T) {
	for _, input := range []string{
		`cores in 'x'`, `'x' in cores`, `cores < 'x'`, `cores + 'x'`, `cores | join(',')`,
		`cores | length`, `'a' | split('')`, `cores / 0`, `cores % 0`, `'a' * 9999999`, `2 ** 99`, `range(9999999)`, `lookup('env', 'HOME')`, `tags.Name | regex_replace(tags.Role ~ '(')`,
	} {
		e, err := jinja.Parse(input)
		if err != nil {
			t.Errorf("Parse(%s): %v", input, err)
			continue
		}
		if v, err := e.Eval(host); err == nil || errors.Is(err, jinja.ErrUndefined) {
			t.Errorf("%s = %v, %v; want an error", input, v, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`tags.Name | default('x') | lower`, `'web' in tags.Role and not spot`, `security_groups[0].group_name`,
		`a if b is defined else [1, 'c']`, `x | regex_replace('a(b)', '\\1')`, `-1.5 + cores ~ "x"`, `a.0['b']`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, input string) {
		e, err := jinja.Parse(input)
		if err != nil {
			var syntax *jinja.SyntaxError
			if !errors.As(err, &syntax) || syntax.Offset < 0 || syntax.Offset > len(input) {
				t.Fatalf("Parse(%q) = %v", input, err)
			}
			return
		}
		first, err1 := e.Eval(host)
		second, err2 := e.Eval(host)
		if (err1 == nil) != (err2 == nil) || err1 == nil && written(t, first) != written(t, second) {
			t.Fatalf("%q gives %v, %v and then %v, %v", input, first, err1, second, err2)
		}
	})
}
