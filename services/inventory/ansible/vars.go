package ansible

import (
	"bytes"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/fiord-bench/fiord/services/inventory/instance"
)

// variable is one variable of a host.
type variable struct {
	name string
	// raw is the value if it is part of a document, as canonical JSON; else
	// value is: nil, bool, int64, float64, string, []any of such, or a
	// gjson.Result.
	raw   string
	value any
	// risky values are parts of documents in which something might be
	// evaluated.
	risky bool
}

// fiordVar is the name of the variable with the machine's normalised form,
// which is the same for every provider.
const fiordVar = "fiord"

// scope is how expressions see a host: raw variables by their prefixed names,
// and the composed ones if they are there already.
type scope struct {
	host           *Host
	raw            []instance.Member
	prefix, suffix string
	composed       []variable
	tagVariables   bool
	bareNames      bool
}

// scope of a host. The buffer is for its raw variables, and may be used again
// when the scope is no longer.
func (c *Config) scope(h *Host, buffer []instance.Member) scope {
	raw := instance.Members(buffer[:0], string(h.Instance.Vars))
	return scope{host: h, raw: raw, prefix: c.HostvarsPrefix, suffix: c.HostvarsSuffix, tagVariables: bool(c.TagVariables), bareNames: c.BareNames}
}

// Lookup finds a variable; composed ones win.
func (s scope) Lookup(name string) (any, bool) {
	for _, v := range s.composed {
		if v.name == name {
			return v.value, true
		}
	}
	if name == fiordVar {
		return gjson.ParseBytes(normalised(nil, s.host)), true
	}
	bare, ok := strings.CutPrefix(name, s.prefix)
	if bare, ok = cutSuffix(bare, s.suffix, ok); !ok && !s.bareNames {
		return nil, false
	} else if !ok {
		bare = name
	}
	if bare == "ec2_tags" && s.host.Instance.Provider == instance.AWS {
		bare = "tags"
	}
	for _, m := range s.raw {
		if m.Key == bare {
			return gjson.Parse(m.Value), true
		}
	}
	if tag, ok := strings.CutPrefix(bare, "ec2_tag_"); ok && s.tagVariables {
		value, ok := s.host.Instance.Tags[tag]
		return value, ok
	}
	return nil, false
}

// safeVar is a raw variable's name as Ansible may have it. Variables that steer
// Ansible (ansible_connection=local would run a playbook meant for a machine
// on the control host) are not for a cloud's document to set: only an
// operator's static file may.
func safeVar(name, provider string) string {
	if strings.HasPrefix(name, "ansible_") && provider != instance.Static {
		return "raw_" + name
	}
	// By hand, as this is done some fifty times for each host.
	for i := range len(name) {
		if !identifierByte(name[i], i) {
			return replaceVar(name)
		}
	}
	if name == "" {
		return "_"
	}
	return name
}

func identifierByte(c byte, at int) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || at > 0 && c >= '0' && c <= '9'
}

func replaceVar(name string) string {
	safe := []byte(name)
	for i, c := range safe {
		if !identifierByte(c, i) {
			safe[i] = '_'
		}
	}
	return string(safe)
}

func cutSuffix(s, suffix string, ok bool) (string, bool) {
	if !ok {
		return s, false
	}
	return strings.CutSuffix(s, suffix)
}

// lister lists the variables of one host after the other.
type lister struct {
	config  *Config
	members []instance.Member
	list    []variable
	own     []byte
}

// vars lists every variable of a host, sorted by name, names unique. The list
// is good until the next call.
func (l *lister) vars(h *Host) []variable {
	document := string(h.Instance.Vars)
	l.members, l.list = instance.Members(l.members[:0], document), l.list[:0]
	risky := mayEvaluate(document)
	aws := h.Instance.Provider == instance.AWS
	for _, m := range l.members {
		if aws && m.Key == "tags" {
			l.set(variable{name: l.config.HostvarsPrefix + "ec2_tags" + l.config.HostvarsSuffix, raw: m.Value, risky: risky})
		}
		l.set(variable{name: l.config.HostvarsPrefix + safeVar(m.Key, h.Instance.Provider) + l.config.HostvarsSuffix, raw: m.Value, risky: risky})
	}
	if aws && bool(l.config.TagVariables) {
		for key, value := range h.Instance.Tags {
			l.set(variable{name: l.config.HostvarsPrefix + safeVar("ec2_tag_"+key, instance.AWS) + l.config.HostvarsSuffix, value: value, risky: true})
		}
	}
	l.own = normalised(l.own[:0], h)
	own := string(l.own)
	l.set(variable{name: fiordVar, raw: own, risky: mayEvaluate(own)})
	if h.Address != "" && h.Address != h.Name && l.config.setsAddress() {
		l.set(variable{name: "ansible_host", value: h.Address})
	}
	for _, v := range h.composed {
		l.set(v)
	}
	return l.list
}

// set puts a variable into its place, where it replaces one of its name.
func (l *lister) set(v variable) {
	n := len(l.list)
	if n == 0 || l.list[n-1].name < v.name { // as documents are sorted, the rule
		l.list = append(l.list, v)
		return
	}
	at, found := slices.BinarySearchFunc(l.list, v.name, func(v variable, name string) int { return strings.Compare(v.name, name) })
	if found {
		l.list[at] = v
		return
	}
	l.list = slices.Insert(l.list, at, v)
}

// mayEvaluate says whether there may be something in a document that Ansible
// would evaluate. An escaped brace is a brace.
func mayEvaluate(raw string) bool { return templated(raw) || strings.Contains(raw, `\u00`) }

// normalised appends the machine in the one form, as a JSON object with sorted
// keys.
func normalised(b []byte, h *Host) []byte {
	i := h.Instance
	text := func(name, value string) {
		if value != "" {
			b = append(append(append(b, '"'), name...), `":`...)
			b = append(instance.AppendText(b, value), ',')
		}
	}
	document := func(name string, value any) {
		raw, err := instance.Encode(value)
		if err == nil { // of texts alone: it can't fail
			b = append(append(append(b, '"'), name...), `":`...)
			b = append(append(b, raw...), ',')
		}
	}
	b = append(b, '{')
	text("account", i.Account)
	if h.Control {
		b = append(b, `"control":true,`...)
	}
	text("id", i.ID)
	text("image", i.Image)
	text("name", i.Name)
	text("provider", i.Provider)
	text("region", i.Region)
	if i.Stale {
		b = append(b, `"stale":true,`...)
	}
	text("state", i.State)
	if i.Provider != instance.AWS && len(i.Tags) > 0 {
		document("tags", i.Tags) // Amazon's are in the raw variable tags
	}
	text("type", i.Type)
	if h.Worker != nil {
		document("worker", h.Worker)
	}
	text("zone", i.Zone)
	return append(bytes.TrimSuffix(b, []byte{','}), '}')
}

// Worker is what the registry knows of the machine, when a fiord worker runs
// on it: the merge of discovered and announced.
type Worker struct {
	Facts map[string]string `json:"facts,omitempty"`
	Name  string            `json:"name"`
	Pools []string          `json:"pools,omitempty"`
}
