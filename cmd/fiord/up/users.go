package up

import (
	"path/filepath"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/access"
)

// Credentials is the folder of everybody's credentials in a data folder.
func Credentials(dir string) string { return filepath.Join(dir, folderCredentials) }

// Users are all who may use NATS in a fiord so configured, with their rights,
// for a server of the operator's own. Credentials that are missing are made.
func Users(dir string, cfg Config) ([]*server.NkeyUser, error) {
	s := &Stack{dir: dir, cfg: cfg}
	if err := s.openUsers(); err != nil {
		return nil, err
	}
	if err := s.complete(); err != nil {
		return nil, err
	}
	return s.natsUsers(), nil
}

// natsUsers gives everybody exactly the rights that their code declares.
func (s *Stack) natsUsers() []*server.NkeyUser {
	parts := s.parts()
	var durables []string
	for _, p := range parts {
		durables = append(durables, p.needs.Durables...)
	}
	for _, i := range s.issued {
		durables = append(durables, i.Durables()...)
	}
	users := []*server.NkeyUser{
		{Nkey: s.users[operator].NKey},
		{Nkey: s.users[events.People].NKey, Permissions: access.People()},
	}
	for _, p := range parts {
		users = append(users, &server.NkeyUser{Nkey: s.users[p.name].NKey, Permissions: p.needs.Permissions(durables...)})
	}
	for _, i := range s.issued {
		users = append(users, &server.NkeyUser{Nkey: i.Keys.NKey, Permissions: i.Permissions()})
	}
	return users
}
