package config

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// The lines between which a README holds its generated table.
const (
	TableBegin = "<!-- begin configuration: generated from the Config struct, do not edit -->"
	TableEnd   = "<!-- end configuration -->"
)

// Markdown writes the settings whose key starts with one of the prefixes as a
// table.
func (s *Set) Markdown(prefixes ...string) string {
	var b strings.Builder
	b.WriteString("| key | flag, variable | default | meaning |\n|---|---|---|---|\n")
	for _, f := range s.fields {
		if !slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(f.Key, p) }) {
			continue
		}
		key, names := f.Key, "file only"
		if f.secret() {
			key += "_file"
			names = fmt.Sprintf("`--%s-file` `%s` `%s_FILE`", f.Flag, f.Env, f.Env)
		} else if f.Flag != "" {
			names = fmt.Sprintf("`--%s` `%s`", f.Flag, f.Env)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s (%s) |\n", key, names, code(f.Default), cell(f.Help), f.Type)
	}
	return b.String()
}

// WriteTable puts table between the markers of the Markdown file at path.
func WriteTable(path, table string) error {
	text, err := os.ReadFile(path) //nolint:gosec // a file of the source tree
	if err != nil {
		return fmt.Errorf("write configuration table: %w", err)
	}
	before, rest, begins := strings.Cut(string(text), TableBegin)
	_, after, ends := strings.Cut(rest, TableEnd)
	if !begins || !ends {
		return fmt.Errorf("write configuration table: %s lacks the lines %q and %q", path, TableBegin, TableEnd)
	}
	next := before + TableBegin + "\n" + table + TableEnd + after
	if next == string(text) {
		return nil
	}
	if err := os.WriteFile(path, []byte(next), 0o644); err != nil { //nolint:gosec // documentation
		return fmt.Errorf("write configuration table: %w", err)
	}
	return nil
}

func code(text string) string {
	if text == "" {
		return ""
	}
	return "`" + cell(text) + "`"
}

func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }
