package mail

import (
	"bytes"
	"fmt"
	"html/template"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/textproto"
	"strings"
	"time"

	"github.com/fiord-bench/fiord/services/notify/notice"
)

// compose writes the message, as text and as HTML. Everything from outside goes
// through an encoder, so that no header, no command and no markup can be smuggled
// in; nothing is loaded from elsewhere when it is read.
func (m *Mail) compose(n notice.Notice) []byte {
	var to []string
	for _, a := range m.to {
		to = append(to, a.String())
	}
	_, domain, _ := strings.Cut(m.from.Address, "@")
	var b bytes.Buffer
	parts := multipart.NewWriter(&b)
	// The same for a repetition, and in no line of quoted-printable text.
	_ = parts.SetBoundary("=_fiord_" + n.ID) // an id has no character that it refuses
	for _, h := range [][2]string{
		{"From", m.from.String()},
		{"To", strings.Join(to, ",\r\n ")},
		{"Subject", mime.QEncoding.Encode("utf-8", "[fiord] "+notice.OneLine(n.Title, 150))},
		{"Date", n.Event.Time.UTC().Format(time.RFC1123Z)},
		{"Message-Id", "<" + n.ID + "@" + domain + ">"},
		{"Auto-Submitted", "auto-generated"},
		{"X-Fiord-Event", string(n.Event.Type)},
		{"Mime-Version", "1.0"},
		{"Content-Type", mime.FormatMediaType("multipart/alternative", map[string]string{"boundary": parts.Boundary()})},
	} {
		fmt.Fprintf(&b, "%s: %s\r\n", h[0], h[1])
	}
	b.WriteString("\r\n")
	part(parts, "text/plain", text(n))
	part(parts, "text/html", page(n))
	_ = parts.Close() // a bytes.Buffer takes everything
	return b.Bytes()
}

// part writes one form of the message.
func part(parts *multipart.Writer, mediaType, content string) {
	w, _ := parts.CreatePart(textproto.MIMEHeader{
		"Content-Type": {mediaType + "; charset=utf-8"}, "Content-Transfer-Encoding": {"quoted-printable"},
	})
	q := quotedprintable.NewWriter(w)
	_, _ = q.Write([]byte(content))
	_ = q.Close()
}

func text(n notice.Notice) string {
	lines := []string{n.Title, ""}
	if n.Text != "" {
		lines = append(lines, n.Text, "")
	}
	for _, f := range n.Fields {
		lines = append(lines, f.Name+": "+f.Value)
	}
	if n.URL != "" {
		lines = append(lines, "", n.URL)
	}
	return strings.Join(lines, "\n") + "\n"
}

// colours of the levels, dark enough on white.
var colours = map[notice.Level]template.CSS{
	notice.Good: "#2e7d32", notice.Info: "#546e7a", notice.Warning: "#b45309", notice.Bad: "#c62828",
}

// Mail programs know tables and styles on elements, and little else.
var form = template.Must(template.New("mail").Parse(`<!doctype html>
<html lang="en"><body style="margin:0;padding:16px;font-family:sans-serif;font-size:15px;line-height:1.45;color:#1b1f24">
<div style="border-left:4px solid {{.Colour}};padding-left:12px;max-width:40em">
<p style="margin:0 0 8px;font-size:17px;font-weight:bold">{{.Title}}</p>
{{- range .Lines}}
<p style="margin:0 0 4px">{{.}}</p>
{{- end}}
{{- if .Fields}}
<table style="margin-top:8px;border-collapse:collapse;font-size:14px">
{{- range .Fields}}
<tr><td style="padding:2px 12px 2px 0;color:#57606a;vertical-align:top">{{.Name}}</td><td style="padding:2px 0">{{.Value}}</td></tr>
{{- end}}
</table>
{{- end}}
{{- if .URL}}
<p style="margin:12px 0 0"><a href="{{.URL}}">{{.URL}}</a></p>
{{- end}}
</div></body></html>
`))

func page(n notice.Notice) string {
	var b strings.Builder
	_ = form.Execute(&b, struct {
		Colour     template.CSS
		Title, URL string
		Lines      []string
		Fields     []notice.Field
	}{colours[n.Level], n.Title, n.URL, strings.FieldsFunc(n.Text, func(r rune) bool { return r == '\n' }), n.Fields}) // a strings.Builder takes everything
	return b.String()
}
