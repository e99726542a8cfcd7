package creds

import (
	"fmt"
	"io"

	"github.com/fiord-bench/fiord/internal/natsd"
)

// ServerConfig writes users as nats-server's configuration takes them: a file
// to be included. It holds public keys only.
func ServerConfig(w io.Writer, users []natsd.User) error {
	text, err := natsd.Config(users)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "# Accounts and users of fiord and their rights, by public key. Include this file in\n# nats-server's configuration, with jetstream switched on. When an account is new,\n# reload the server twice: it starts the account's imports with the second.\n%s", text)
	return err
}
