package ansible

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/fiord-bench/fiord/services/inventory/instance"
)

// Var is a variable of a host. Its value is nil, bool, int64, float64, string,
// []any of such, or a gjson.Result.
type Var struct {
	Name  string
	Value any
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
	raw            gjson.Result
	prefix, suffix string
	composed       []Var
	own            gjson.Result // the value of fiordVar
}

func (c *Config) scope(h *Host) scope {
	return scope{
		raw: gjson.ParseBytes(h.Instance.Vars), prefix: c.HostvarsPrefix, suffix: c.HostvarsSuffix,
		own: normalised(h.Instance, h.Worker),
	}
}

// Lookup finds a variable; composed ones win.
func (s scope) Lookup(name string) (any, bool) {
	for _, v := range s.composed {
		if v.Name == name {
			return v.Value, true
		}
	}
	if name == fiordVar {
		return s.own, true
	}
	bare, ok := strings.CutPrefix(name, s.prefix)
	if bare, ok = cutSuffix(bare, s.suffix, ok); !ok {
		return nil, false
	}
	var found gjson.Result
	s.raw.ForEach(func(k, v gjson.Result) bool {
		if k.Str == bare {
			found = v
			return false
		}
		return true
	})
	return found, found.Exists()
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

// vars lists every variable of a host, sorted by name, names unique.
func (c *Config) vars(h *Host) []Var {
	s := c.scope(h)
	list := make([]Var, 0, 64)
	risky := templated(s.raw.Raw) || strings.Contains(s.raw.Raw, `\u00`) // an escaped brace is a brace
	s.raw.ForEach(func(k, v gjson.Result) bool {
		list = append(list, Var{c.HostvarsPrefix + safeVar(k.Str, h.Instance.Provider) + c.HostvarsSuffix, v, risky})
		return true
	})
	list = append(list, Var{fiordVar, s.own, templated(s.own.Raw)})
	if h.Address != "" && h.Address != h.Name {
		list = append(list, Var{Name: "ansible_host", Value: h.Address})
	}
	list = append(list, h.composed...)
	// Stable, so that of variables with one name the later kind is kept.
	slices.SortStableFunc(list, func(a, b Var) int { return strings.Compare(a.Name, b.Name) })
	out := list[:0]
	for i, v := range list {
		if i+1 == len(list) || list[i+1].Name != v.Name {
			out = append(out, v)
		}
	}
	return out
}

// normalised is the machine in the one form, as a JSON object with sorted keys.
func normalised(i *instance.Instance, w *Worker) gjson.Result {
	doc := struct {
		Account  string            `json:"account,omitempty"`
		ID       string            `json:"id"`
		Image    string            `json:"image,omitempty"`
		Name     string            `json:"name,omitempty"`
		Provider string            `json:"provider"`
		Region   string            `json:"region,omitempty"`
		Stale    bool              `json:"stale,omitempty"`
		State    string            `json:"state,omitempty"`
		Tags     map[string]string `json:"tags,omitempty"`
		Type     string            `json:"type,omitempty"`
		Worker   *Worker           `json:"worker,omitempty"`
		Zone     string            `json:"zone,omitempty"`
	}{i.Account, i.ID, i.Image, i.Name, i.Provider, i.Region, i.Stale, i.State, nil, i.Type, w, i.Zone}
	if i.Provider != instance.AWS {
		doc.Tags = i.Tags // Amazon's are in the raw variable tags
	}
	raw, err := json.Marshal(doc) // of strings alone: it can't fail
	if err != nil {
		return gjson.Result{}
	}
	return gjson.ParseBytes(raw)
}

// Worker is what the registry knows of the machine, when a fiord worker runs
// on it: the merge of discovered and announced.
type Worker struct {
	Facts map[string]string `json:"facts,omitempty"`
	Name  string            `json:"name"`
	Pools []string          `json:"pools,omitempty"`
}
