package up

import (
	"errors"
	"path/filepath"
	"slices"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/fiord-bench/fiord/cmd/fiord/creds"
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

// Parties are all who may use NATS and S3 where each service is a program of its
// own: the operator, the services, the janitor, and those who were let in.
// Credentials that are missing are made. Workers are among those who were let
// in, since each is bound to its host.
func Parties(dir string, cfg Config) (parties []creds.Party, issued []creds.Issued, err error) {
	s := &Stack{dir: dir, cfg: cfg}
	if err := errors.Join(s.openUsers(), s.complete()); err != nil {
		return nil, nil, err
	}
	parties = []creds.Party{
		{Name: operator, Keys: s.users[operator], Bus: true, Store: true, All: true},
		{Name: Janitor, Keys: s.users[Janitor], Store: true, Delete: removes()[Janitor]},
	}
	var durables []string
	for _, i := range s.issued {
		durables = append(durables, i.Durables()...)
	}
	services := slices.DeleteFunc(s.parts(), func(p part) bool { return p.name == "bench" })
	for _, p := range services {
		durables = append(durables, p.needs.Durables...)
	}
	for _, p := range services {
		one := creds.Party{Name: p.name, Keys: s.users[p.name], Permissions: p.needs.Permissions(durables...), Bus: true, Store: true, Write: writes()[p.name]}
		if p.name == "ingest" && !s.cfg.Ingest.WebhookSecret.IsZero() {
			one.Secrets = map[string]string{webhookFile: s.cfg.Ingest.WebhookSecret.Reveal()}
		}
		parties = append(parties, one)
	}
	for _, i := range s.issued {
		if i.Kind != creds.Site {
			parties = append(parties, creds.Party{Name: i.User(), Keys: i.Keys, Permissions: i.Permissions(), Bus: true, Store: true, Write: writes()[i.Role()]})
		}
	}
	return parties, s.issued, nil
}
