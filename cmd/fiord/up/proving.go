package up

import (
	"context"
	"errors"
	"slices"

	"github.com/fiord-bench/fiord/cmd/fiord/creds"
	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/access"
	"github.com/fiord-bench/fiord/internal/bus"
	"github.com/fiord-bench/fiord/internal/proof"
)

// openGrants issues to everybody what they prove their events by: the services, the
// owner of the data folder, and those who were let in.
func (s *Stack) openGrants() error {
	authority, err := creds.Authority(s.credentials())
	if err != nil {
		return err
	}
	prove := func(user string, g proof.Grant) error {
		return creds.Prove(authority, s.credentials(), s.users[user], g)
	}
	errs := []error{prove(events.People, proof.Grant{Kind: proof.Person, Name: events.Administrator, Role: string(access.Administrator)})}
	for _, p := range s.parts() {
		g := proof.Grant{Kind: proof.Service, Name: p.name}
		if p.needs.Guest {
			g = proof.Grant{Kind: proof.Host, Name: s.cfg.Bench.Host, Pools: slices.Clone(s.cfg.Bench.Pools)}
		}
		errs = append(errs, prove(p.name, g))
	}
	for _, i := range s.issued {
		errs = append(errs, creds.ProveIssued(authority, s.credentials(), i))
	}
	return errors.Join(errs...)
}

// TakeBack puts what was taken back on the list that verifiers read. The bus is the
// operator's.
func TakeBack(ctx context.Context, b *bus.Bus, file string) error {
	entries, err := creds.TakenBack(file)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := b.TakeBack(ctx, creds.KeyOf(e), e); err != nil {
			return err
		}
	}
	return nil
}
