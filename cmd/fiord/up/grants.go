package up

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/fiord-bench/fiord/artifacts/embedded"
	"github.com/fiord-bench/fiord/cmd/fiord/creds"
	"github.com/fiord-bench/fiord/cmd/fiord/keys"
	"github.com/fiord-bench/fiord/internal/bus"
)

// grantsPause is the pause between two looks at who was let in.
const grantsPause = time.Second

// watchGrants gives those whom fiord creds lets in their rights, and takes them
// from those whom it shuts out, until ctx ends. It looks at the files: whoever may
// write them may let people in, with no server to ask and none to authorise it.
func (s *Stack) watchGrants(ctx context.Context) {
	tick := time.NewTicker(grantsPause)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		// What cannot be read now may be half written, and what could not be set
		// is set at the next look: s.issued stays as it is until all has been done.
		found, err := creds.All(s.credentials())
		if err == nil && !slices.EqualFunc(s.issued, found, same) {
			err = s.admit(ctx, found)
		}
		if err != nil && ctx.Err() == nil {
			s.log.Warn("rights of users not brought up to date; trying again", "error", err)
		}
	}
}

func same(a, b creds.Issued) bool {
	return a.Keys.NKey == b.Keys.NKey && a.Keys.AccessKey == b.Keys.AccessKey && reflect.DeepEqual(a.Grant, b.Grant)
}

// admit makes the servers know exactly these, besides fiord's own users.
func (s *Stack) admit(ctx context.Context, issued []creds.Issued) error {
	before := s.issued
	s.issued = issued
	err := s.nats.SetUsers(s.natsUsers())
	if err == nil { // what was taken back proves nothing from now on
		err = s.asOperator(ctx, func(b *bus.Bus) error { return TakeBack(ctx, b, creds.TakenBackFile(s.credentials())) })
	}
	if err == nil {
		err = s.s3.SetUsers(s.s3Users())
	}
	if err == nil {
		err = s.writeTokens()
	}
	if err != nil {
		s.issued = before
		return err
	}
	names := func(list []creds.Issued) map[string]bool {
		all := map[string]bool{}
		for _, i := range list {
			all[i.User()] = true
		}
		return all
	}
	old, now := names(before), names(issued)
	for _, user := range slices.Sorted(maps.Keys(now)) {
		if !old[user] {
			s.log.Info("user let in", "user", user)
		}
	}
	for _, user := range slices.Sorted(maps.Keys(old)) {
		if !now[user] {
			s.log.Info("user shut out", "user", user)
		}
	}
	return nil
}

// s3Users are all users of S3 but the operator, each with the rights that its code
// or its role declares.
func (s *Stack) s3Users() []embedded.User {
	var users []embedded.User
	add := func(k keys.User, rights artifacts.Rights) {
		users = append(users, embedded.User{AccessKey: k.AccessKey, SecretKey: k.SecretKey.Reveal(), Rights: rights})
	}
	for _, p := range s.parts() {
		add(s.users[p.name], p.needs.Store)
	}
	add(s.users[Janitor], janitorsRights())
	add(s.people().Keys, s.people().StoreRights())
	for _, i := range s.issued {
		if i.InStore() {
			add(i.Keys, i.StoreRights())
		}
	}
	return users
}
