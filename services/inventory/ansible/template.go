package ansible

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/fiord-bench/fiord/services/inventory/jinja"
)

// Template is text with {{ expressions }} in it.
type Template struct {
	source string
	parts  []templatePart
}

type templatePart struct {
	text string
	expr *jinja.Expr // nil for text
}

// UnmarshalYAML parses the template.
func (t *Template) UnmarshalYAML(n *yaml.Node) error {
	parsed, err := ParseTemplate(n.Value)
	if err != nil {
		return err
	}
	*t = parsed
	return nil
}

// ParseTemplate reads a template.
func ParseTemplate(s string) (Template, error) {
	t := Template{source: s}
	for rest := s; rest != ""; {
		before, after, found := strings.Cut(rest, "{{")
		if strings.Contains(before, "{%") || strings.Contains(before, "{#") {
			return t, fmt.Errorf("template %q: only {{ expressions }} are supported", s)
		}
		if before != "" {
			t.parts = append(t.parts, templatePart{text: before})
		}
		if !found {
			break
		}
		body, tail, closed := strings.Cut(after, "}}")
		if !closed {
			return t, fmt.Errorf("template %q: {{ without }}", s)
		}
		e, err := jinja.Parse(strings.TrimSpace(body))
		if err != nil {
			return t, err
		}
		t.parts = append(t.parts, templatePart{expr: e})
		rest = tail
	}
	return t, nil
}

// empty says whether there is no template.
func (t Template) empty() bool { return t.source == "" }

// Render computes the text.
func (t Template) Render(s jinja.Scope) (string, error) {
	var b strings.Builder
	for _, p := range t.parts {
		if p.expr == nil {
			b.WriteString(p.text)
			continue
		}
		v, err := p.expr.Eval(s)
		if err != nil {
			return "", err
		}
		text, err := jinja.Text(v)
		if err != nil {
			return "", fmt.Errorf("template %q: %w", t.source, err)
		}
		b.WriteString(text)
	}
	return b.String(), nil
}
