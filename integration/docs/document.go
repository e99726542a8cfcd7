package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// Document is one Markdown file.
type Document struct {
	Path   string  // relative to the repository's root
	Lines  int     // of the whole file
	Blocks []Block // fenced code, in order
	Spans  []Span  // inline code outside of blocks, in order
	Links  []Span  // targets of links outside of blocks, in order
}

// Block is fenced code.
type Block struct {
	Line     int // of the opening fence, from 1
	Language string
	Text     string
}

// Span is a piece of a line.
type Span struct {
	Line int // from 1
	Text string
}

// Read parses the file at path below root.
func Read(root, path string) (Document, error) {
	data, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		return Document{}, err
	}
	d := Document{Path: path}
	var open *Block
	for line := range strings.Lines(string(data)) {
		d.Lines++
		switch {
		case strings.HasPrefix(line, "```") && open == nil:
			open = &Block{Line: d.Lines, Language: strings.TrimSpace(line[3:])}
		case strings.HasPrefix(line, "```"):
			d.Blocks, open = append(d.Blocks, *open), nil
		case open != nil:
			open.Text += line
		default:
			d.inline(line)
		}
	}
	return d, nil
}

// inline collects a line's code spans and links.
func (d *Document) inline(line string) {
	code := regexp.MustCompile("`([^`]+)`")
	for _, m := range code.FindAllStringSubmatch(line, -1) {
		d.Spans = append(d.Spans, Span{d.Lines, m[1]})
	}
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	for _, m := range link.FindAllStringSubmatch(code.ReplaceAllString(line, "code"), -1) {
		d.Links = append(d.Links, Span{d.Lines, m[1]})
	}
}

// Commands are the commands that a reader would type: the lines of shell blocks
// and the inline code, with comments and prompts cut off, as words.
func (d Document) Commands() []Command {
	var all []Command
	for _, b := range d.Blocks {
		if b.Language != "sh" {
			continue
		}
		for i, line := range strings.Split(b.Text, "\n") {
			all = appendCommand(all, b.Line+1+i, line)
		}
	}
	for _, s := range d.Spans {
		all = appendCommand(all, s.Line, s.Text)
	}
	return all
}

// Command is one command line.
type Command struct {
	Line  int
	Words []string
}

func appendCommand(all []Command, line int, text string) []Command {
	text, _, _ = strings.Cut(text, " #")
	text, _, _ = strings.Cut(text, " | ")
	if words := strings.Fields(text); len(words) > 0 {
		all = append(all, Command{line, words})
	}
	return all
}

// List names the Markdown files of the repository at root, but for those of
// testdata.
func List(root string) ([]string, error) {
	var files []string
	err := filepath.WalkDir(root, func(file string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() && file != root && (name == "testdata" || name == "node_modules" || strings.HasPrefix(name, ".")) {
			return filepath.SkipDir
		}
		if strings.HasSuffix(name, ".md") {
			rel, err := filepath.Rel(root, file)
			if err != nil {
				return err
			}
			files = append(files, filepath.ToSlash(rel))
		}
		return nil
	})
	return files, err
}
