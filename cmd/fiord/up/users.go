package up

import (
	"path/filepath"
	"slices"

	"github.com/fiord-bench/fiord/cmd/fiord/creds"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/access"
	"github.com/fiord-bench/fiord/internal/natsd"
)

// Credentials is the folder of everybody's credentials in a data folder.
func Credentials(dir string) string { return filepath.Join(dir, folderCredentials) }

// Users are all who may use NATS in a fiord so configured, with their rights,
// for a server of the operator's own. Credentials that are missing are made.
func Users(dir string, cfg Config) ([]natsd.User, error) {
	s := &Stack{dir: dir, cfg: cfg}
	if err := s.open(); err != nil {
		return nil, err
	}
	return s.natsUsers(), nil
}

// natsUsers gives everybody exactly the rights that their code declares.
func (s *Stack) natsUsers() []natsd.User {
	services, guests := s.durables(s.parts())
	users := []natsd.User{{NKey: s.users[operator].NKey}, creds.User(s.people(), slices.Concat(services, guests)...)}
	for _, p := range s.parts() {
		u := natsd.User{NKey: s.users[p.name].NKey, Permissions: p.needs.Permissions(services...)}
		if p.needs.Guest {
			u.Account, u.Answers = p.needs.Name, access.Answers()
		}
		users = append(users, u)
	}
	for _, i := range s.issued {
		users = append(users, creds.User(i, slices.Concat(services, guests)...))
	}
	return users
}

// durables are the consumers of services, and those that services make for hosts.
func (s *Stack) durables(parts []part) (services, guests []string) {
	for _, p := range parts {
		if p.needs.Guest {
			guests = append(guests, p.needs.Durables...)
		} else {
			services = append(services, p.needs.Durables...)
		}
	}
	for _, i := range s.issued {
		guests = append(guests, i.Durables()...)
	}
	return services, guests
}

// people are whoever may read the data folder: its owner. They may hold every key
// in it, so they are administrators.
func (s *Stack) people() creds.Issued {
	return creds.Issued{Grant: creds.Grant{Kind: creds.Person, Name: events.People, Role: access.Administrator}, Keys: s.users[events.People]}
}

// Parties are all who may use NATS and S3 where each service is a program of its
// own: the operator, the services, the janitor, and those who were let in.
// Credentials that are missing are made. Workers are among those who were let
// in, since each is bound to its host.
func Parties(dir string, cfg Config) (parties []creds.Party, issued []creds.Issued, err error) {
	s := &Stack{dir: dir, cfg: cfg}
	if err := s.open(); err != nil {
		return nil, nil, err
	}
	parties = []creds.Party{
		{Name: operator, Keys: s.users[operator], Bus: true, Store: true, All: true},
		{Name: Janitor, Keys: s.users[Janitor], Store: true, Rights: janitorsRights()},
	}
	own, guests := s.durables(slices.DeleteFunc(s.parts(), func(p part) bool { return p.name == "bench" }))
	services := slices.DeleteFunc(s.parts(), func(p part) bool { return p.name == "bench" })
	for _, p := range services {
		one := creds.Party{Name: p.name, Keys: s.users[p.name], Permissions: p.needs.Permissions(own...), Bus: true, Store: true, Rights: p.needs.Store}
		if p.name == "ingest" && !s.cfg.Ingest.WebhookSecret.IsZero() {
			one.Secrets = map[string]string{webhookFile: s.cfg.Ingest.WebhookSecret.Reveal()}
		}
		if p.name == "plot" {
			tokens, err := creds.Tokens(s.credentials(), events.People, s.issued)
			if err != nil {
				return nil, nil, err
			}
			one.Secrets = map[string]string{creds.SessionKey: s.cfg.Plot.Login.SessionKey.Reveal(), creds.PageTokens: string(tokens)}
		}
		parties = append(parties, one)
	}
	for _, i := range s.issued {
		if i.Kind != creds.Site {
			u := creds.User(i, slices.Concat(own, guests)...)
			parties = append(parties, creds.Party{
				Name: i.User(), Keys: i.Keys, Permissions: u.Permissions, Account: u.Account, Answers: u.Answers,
				Bus: true, Store: i.InStore(), Rights: i.StoreRights(),
			})
		}
	}
	return parties, s.issued, nil
}
