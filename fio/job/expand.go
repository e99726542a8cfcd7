package job

import (
	"strconv"
	"strings"
)

// resolve expands every option, splits it into name and value and looks it up,
// section by section, because the engine decides which options exist and
// kb_base what a unit means.
func (p *parser) resolve() {
	engine, kbBase := defaultEngine, int64(1024)
	for _, sec := range p.file.Sections {
		for _, o := range sec.Options {
			p.expand(o)
			p.file.Unset = append(p.file.Unset, o.unset...)
		}
		secEngine, secBase := engine, kbBase
		for _, o := range sec.Options {
			switch o.Written {
			case "ioengine":
				secEngine = engineName(o.Value)
			case "kb_base":
				secBase = kbBaseOf(o.Value)
			}
		}
		sec.kbBase = secBase
		for _, o := range sec.Options {
			o.kbBase = secBase
			o.bind(secEngine)
		}
		if sec.Global {
			engine, kbBase = secEngine, secBase
		}
	}
}

// bind looks the option up among those that exist with the given engine.
func (o *Option) bind(engine string) {
	o.Name, o.Spec = o.Written, Lookup(o.Written, engine)
	if o.Spec != nil {
		o.Name = o.Spec.Name
	}
}

func kbBaseOf(value string) int64 {
	if value == "1000" {
		return 1000
	}
	return 1024
}

// expand substitutes variables and keywords in the whole line, name included,
// and splits it at its first equals sign, in fio's order.
func (p *parser) expand(o *Option) {
	text := p.variables(o)
	o.plain = text
	text = p.keywords(o, text)
	name, value, has := strings.Cut(text, "=")
	if has {
		name = trimEnd(name)
	}
	o.Written, o.Value, o.HasValue = name, value, has
	if strings.IndexByte(name, 0) >= 0 || strings.IndexByte(value, 0) >= 0 {
		p.fail(o.Pos, "NUL byte in the value of a variable", "remove it from the environment")
	}
}

// variables replaces ${NAME}, even when NAME is unset.
func (p *parser) variables(o *Option) string {
	in := o.Written
	var out strings.Builder
	for i := 0; i < len(in); {
		if !strings.HasPrefix(in[i:], "${") {
			out.WriteByte(in[i])
			i++
			continue
		}
		end := strings.IndexByte(in[i:], '}')
		if end < 0 {
			out.WriteString(in[i:])
			break
		}
		name := in[i+2 : i+end]
		value, set := p.cfg.Env[name]
		if !set {
			pos := o.Pos
			pos.Col += i
			o.unset = append(o.unset, Variable{Pos: pos, Name: name})
		} else {
			if o.vars == nil {
				o.vars = map[string]string{}
			}
			o.vars[name] = value
		}
		out.WriteString(value)
		i += end + 1
	}
	if out.Len() > MaxLine {
		p.fail(o.Pos, "option is too long once its variables are expanded", "shorten the variable's value")
		return in
	}
	return out.String()
}

// keywords replaces $pagesize, $mb_memory and $ncpus. fio hands the result to
// bc when it has found one and there is an arithmetic sign.
func (p *parser) keywords(o *Option, text string) string {
	m := p.cfg.Machine
	replaced := false
	for _, k := range []struct {
		word  string
		value int64
	}{{"$pagesize", m.PageSize}, {"$mb_memory", m.MemoryMB}, {"$ncpus", m.CPUs}} {
		if !strings.Contains(text, k.word) {
			continue
		}
		replaced = true
		if k.value == 0 {
			o.Machine = true
			continue
		}
		text = strings.ReplaceAll(text, k.word, strconv.FormatInt(k.value, 10))
	}
	o.Computed = replaced && strings.ContainsAny(text, "+-*/") && strings.Contains(text, "=")
	return text
}
