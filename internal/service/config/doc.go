// Package config reads the settings of a fiord program.
//
// A program's settings are plain Go structs that hold their defaults, grouped
// in sections. Four layers are laid over each other, the later one wins:
//
//	the struct's values < a YAML file < FIORD_* environment < flags
//
// The tag `config:"key"` names a setting and `help:"text"` explains it. From
// the key path bench.docker.image follow the variable
// FIORD_BENCH_DOCKER_IMAGE and the flag --bench.docker.image (or
// --docker.image where the section is the program's own). The table in each
// service's README is written from the same tags.
//
// Whatever is not a setting is refused, with the file and line, the variable
// or the flag it stands in, and the name that was probably meant: a typing
// mistake must not silently leave a default in force. One file may serve all
// of fiord's programs, so the sections of the siblings are let through.
//
// Secrets are of type [Secret]. They come from files (key_file, --key-file,
// FIORD_…_FILE) or from the environment, never from the YAML file or from the
// command line, where others could read them.
package config
