package proof_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nkeys"

	"github.com/fiord-bench/fiord/events"
	"github.com/fiord-bench/fiord/internal/proof"
)

var began = time.Now().Add(-time.Hour)

func authority(t *testing.T) *proof.Authority {
	t.Helper()
	seed, err := proof.NewAuthoritySeed()
	if err != nil {
		t.Fatal(err)
	}
	a, err := proof.OpenAuthority(seed, began)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// user is somebody with a key and a grant.
type user struct {
	*proof.Signer
	issued proof.Issued
}

func newUser(t *testing.T, a *proof.Authority, g proof.Grant, at time.Time) user {
	t.Helper()
	pair, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	seed, err := pair.Seed()
	if err != nil {
		t.Fatal(err)
	}
	if g.Key, err = pair.PublicKey(); err != nil {
		t.Fatal(err)
	}
	text, err := a.Issue(g, at)
	if err != nil {
		t.Fatal(err)
	}
	issued, err := proof.Read(text)
	if err != nil {
		t.Fatal(err)
	}
	s, err := proof.NewSigner(issued, seed)
	if err != nil {
		t.Fatal(err)
	}
	return user{s, issued}
}

func (u user) verifier(t *testing.T, m proof.Mode) *proof.Verifier {
	t.Helper()
	v, err := proof.NewVerifier(u.issued, m, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// made is a message that the user has signed and the stream has stored.
func (u user) made(subject, body string) proof.Message {
	now := time.Now()
	m := proof.Message{Subject: subject, ID: "id of " + body, ContentType: events.MediaType, Body: []byte(body), Stored: now}
	m.Proof, m.Grant = u.Sign(m.Subject, m.ID, m.Body, now)
	return m
}

func one(v *proof.Verifier, m proof.Message) error {
	_, err := v.Examine([]proof.Message{m})[0].Verify()
	return err
}

var (
	placed = events.TypeBenchPlaced.Subject()
	lost   = events.TypeHostLost.Subject()
	endOfA = "fiord.events.run.completed.v1.end.host.a.x"
	endOfB = "fiord.events.run.completed.v1.end.host.b.x"
)

func TestWhatAnEventProves(t *testing.T) {
	a := authority(t)
	inventory := newUser(t, a, proof.Grant{Kind: proof.Service, Name: "inventory"}, time.Now())
	host := newUser(t, a, proof.Grant{Kind: proof.Host, Name: "a", Pools: []string{"nvme", "with space;,"}}, time.Now())
	stranger := newUser(t, authority(t), proof.Grant{Kind: proof.Service, Name: "inventory"}, time.Now())
	v := inventory.verifier(t, proof.Required)
	good, ofHost := inventory.made(placed, "body"), host.made(endOfA, "body")
	change := func(m proof.Message, by func(*proof.Message)) proof.Message { by(&m); return m }
	for name, c := range map[string]struct {
		message proof.Message
		want    error
	}{
		"as it was made":                  {good, nil},
		"of a host":                       {ofHost, nil},
		"of a pool's host":                {host.made("fiord.events.run.failed.v1.end.pool."+events.Token("with space;,")+".x", "p"), nil},
		"not signed":                      {change(good, func(m *proof.Message) { m.Proof, m.Grant = "", "" }), proof.ErrUnsigned},
		"not signed, of before":           {change(good, func(m *proof.Message) { m.Proof, m.Stored = "", began.Add(-time.Minute) }), nil},
		"not signed, of an unknown time":  {change(good, func(m *proof.Message) { m.Proof, m.Stored = "", time.Time{} }), proof.ErrUnsigned},
		"with another content":            {change(good, func(m *proof.Message) { m.Body = []byte("bodY") }), proof.ErrSignature},
		"under another id":                {change(good, func(m *proof.Message) { m.ID = "another" }), proof.ErrSignature},
		"on another subject of the maker": {change(good, func(m *proof.Message) { m.Subject = lost }), proof.ErrSignature},
		"on a subject of another":         {change(ofHost, func(m *proof.Message) { m.Subject = endOfB }), proof.ErrSubject},
		"in another form":                 {change(good, func(m *proof.Message) { m.ContentType = "" }), proof.ErrSignature},
		"of a host for another":           {host.made(endOfB, "body"), proof.ErrSubject},
		"of a host for all":               {host.made("fiord.events.run.completed.v1", "body"), proof.ErrSubject},
		"of a host as inventory":          {host.made(placed, "body"), proof.ErrSubject},
		"with another's grant":            {change(host.made(placed, "body"), func(m *proof.Message) { m.Grant = good.Grant }), proof.ErrSignature},
		"of another installation":         {stranger.made(placed, "body"), proof.ErrGrant},
		"with a grant that was changed":   {change(good, func(m *proof.Message) { m.Grant = "1;service;plot" + m.Grant[len("1;service;inventory"):] }), proof.ErrGrant},
		"without a grant":                 {change(good, func(m *proof.Message) { m.Grant = "" }), proof.ErrGrant},
		"with half a proof":               {change(good, func(m *proof.Message) { m.Proof = m.Proof[:8] }), proof.ErrSignature},
		"stored once more, later":         {change(good, func(m *proof.Message) { m.Stored = m.Stored.Add(proof.Fresh + time.Second) }), proof.ErrStale},
		"of a signer ahead of time":       {change(good, func(m *proof.Message) { m.Stored = m.Stored.Add(-time.Hour / 2) }), proof.ErrStale},
		"with another time":               {change(good, func(m *proof.Message) { m.Proof = "0" + m.Proof }), proof.ErrSignature},
	} {
		if err := one(v, c.message); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		} else if err != nil && !errors.Is(err, proof.ErrUnproven) {
			t.Errorf("%s: %v is not unproven", name, err)
		}
	}
	unsigned := change(good, func(m *proof.Message) { m.Proof = "" })
	if err := one(inventory.verifier(t, proof.WhenPresent), unsigned); err != nil {
		t.Errorf("not signed, where that may be: %v", err)
	}
	if err := one(inventory.verifier(t, proof.WhenPresent), change(good, func(m *proof.Message) { m.Body = nil })); !errors.Is(err, proof.ErrSignature) {
		t.Errorf("signed wrongly, where nothing need be signed: %v", err)
	}
}

func TestWhatWasTakenBackProvesNothingAfterwards(t *testing.T) {
	a := authority(t)
	g := proof.Grant{Kind: proof.Host, Name: "a"}
	u := newUser(t, a, g, time.Now().Add(-time.Minute))
	v := u.verifier(t, proof.Required)
	m := u.made(endOfA, "body")
	other, err := authority(t).Void(u.Grant().Key, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Void(other); err == nil {
		t.Error("another authority took it back")
	}
	if err := one(v, m); err != nil {
		t.Fatal(err)
	}
	entry, err := a.Void(u.Grant().Key, m.Stored)
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Void(entry); err != nil {
		t.Fatal(err)
	}
	if err := one(v, m); !errors.Is(err, proof.ErrVoid) {
		t.Errorf("stored after: %v", err)
	}
	m.Stored = m.Stored.Add(-2 * time.Second)
	if err := one(v, m); err != nil {
		t.Errorf("stored before: %v", err)
	}
}

// One signature vouches for the events that its signer made before, in whatever
// order they come and with gaps, and for nothing else.
func TestAGroupIsProvenByEachMessageForItself(t *testing.T) {
	a := authority(t)
	u := newUser(t, a, proof.Grant{Kind: proof.Service, Name: "inventory"}, time.Now())
	other := newUser(t, a, proof.Grant{Kind: proof.Service, Name: "inventory"}, time.Now())
	var group []proof.Message
	for i := range 40 {
		group = append(group, u.made(placed, fmt.Sprint("mine ", i)), other.made(placed, fmt.Sprint("other ", i)), u.made(lost, fmt.Sprint("lost ", i)))
	}
	wrong := map[int]func(*proof.Message){
		9:   func(m *proof.Message) { m.Body = []byte("forged") },
		60:  func(m *proof.Message) { m.Subject = lost },
		117: func(m *proof.Message) { m.Proof = m.Proof[:len(m.Proof)-5] + "AAAAA" }, // the last of its kind
		119: func(m *proof.Message) { m.ID = "another" },
		118: func(m *proof.Message) { *m = other.made(placed, "as another"); m.Grant = group[0].Grant },
	}
	bad := map[string]bool{}
	for i, spoil := range wrong {
		spoil(&group[i])
	}
	for i := range wrong {
		bad[string(group[i].Body)+group[i].ID] = true
	}
	slices.Reverse(group[30:60])
	group = slices.Delete(group, 70, 71)
	v := u.verifier(t, proof.Required)
	for i, c := range v.Examine(group) {
		_, err := c.Verify()
		if spoilt := bad[string(group[i].Body)+group[i].ID]; spoilt != errors.Is(err, proof.ErrSignature) || !spoilt && err != nil {
			t.Errorf("message %d, %q: %v, spoilt: %v", i, group[i].Body, err, spoilt)
		}
	}
}

func TestWhoMayClaimWhat(t *testing.T) {
	person := proof.Grant{Kind: proof.Person, Name: "ann", Role: "operator"}
	service := func(name string) proof.Grant { return proof.Grant{Kind: proof.Service, Name: name} }
	by := func(right events.Right, name string) *events.Requester {
		return &events.Requester{Right: right, Name: name}
	}
	bench := func(r *events.Requester) events.Data { return events.BenchRequested{Requester: r} }
	for i, c := range []struct {
		grant  proof.Grant
		source string
		data   events.Data
		want   bool
	}{
		{person, "fiord/cli", bench(by(events.RightPerson, "ann")), true},
		{person, "//ann/script", bench(by(events.RightRerun, "ann")), true},
		{person, "fiord/cli", bench(nil), true}, // judged by the strictest rule
		{person, "fiord/cli", bench(by(events.RightPerson, "bob")), false},
		{person, "fiord/cli", bench(by(events.RightPerson, events.Administrator)), false},
		{person, "fiord/cli", bench(by(events.RightToken, "ann")), false},
		{person, "fiord/cli", bench(by(events.RightRepository, "acme/storage")), false},
		{person, "fiord/cli", events.BenchRequested{Origin: &events.Origin{Repo: events.Repo{Name: "acme/storage"}}}, false},
		{person, "fiord/cli", events.BenchRequested{Confirms: "x"}, false},
		{person, "fiord/ingest", bench(by(events.RightPerson, "ann")), false},
		{person, "fiord/cli", events.CancelRequested{Requester: by(events.RightPerson, "bob")}, false},
		{person, "fiord/cli", events.BaselineAccepted{Requester: by(events.RightPerson, "ann")}, true},
		{service("ingest"), "fiord/ingest", bench(by(events.RightRepository, "acme/storage")), true},
		{service("ingest"), "//ci/script", bench(by(events.RightToken, "ci")), true},
		{service("ingest"), "fiord/cli", bench(by(events.RightToken, "ci")), false},
		{service("ingest"), "fiord/ingest", bench(by(events.RightPerson, "ann")), false},
		{service("plot"), "fiord/plot", bench(by(events.RightConfirmation, "fiord/plot")), true},
		{service("plot"), "fiord/plot", bench(by(events.RightPerson, "ann")), false},
		{service("plot"), "fiord/plot", events.CancelRequested{Requester: by(events.RightPerson, "ann")}, true},
		{service("inventory"), "fiord/inventory", events.DiscoveryRequested{Requester: by(events.RightSchedule, "fiord/inventory")}, true},
		{service("inventory"), "fiord/inventory", events.DiscoveryRequested{Requester: by(events.RightPerson, "ann")}, false},
		{proof.Grant{Kind: proof.Host, Name: "a"}, "fiord/bench", events.RunFailed{}, true},
		{proof.Grant{Kind: proof.Host, Name: "a"}, "fiord/inventory", events.RunFailed{}, false},
		{proof.Grant{Kind: proof.Host, Name: "a"}, "fiord/bench", bench(by(events.RightPerson, "a")), false},
	} {
		err := c.grant.Vouch(events.Event{Source: c.source, Type: c.data.EventType(), Data: c.data})
		if (err == nil) != c.want {
			t.Errorf("%d: %s as %s says %#v: %v, want allowed: %v", i, c.grant.Who(), c.source, c.data, err, c.want)
		}
	}
}

func TestGrantsAreReadAsTheyWereIssued(t *testing.T) {
	a := authority(t)
	for _, g := range []proof.Grant{
		{Kind: proof.Host, Name: "host; with, odd.name\n", Pools: []string{"a b", "ü,;"}},
		{Kind: proof.Person, Name: "Ann O'Hara", Role: "viewer"},
	} {
		u := newUser(t, a, g, time.Now())
		got := u.Grant()
		if got.Name != g.Name || !slices.Equal(got.Pools, g.Pools) || got.Role != g.Role || got.Since.Unix() != began.Unix() {
			t.Errorf("%#v came back as %#v", g, got)
		}
	}
	for _, g := range []proof.Grant{{Kind: "site", Name: "x"}, {Kind: proof.Service}, {Kind: proof.Person, Name: "x", Role: "king"}} {
		if _, err := a.Issue(g, time.Now()); err == nil {
			t.Errorf("%#v was issued", g)
		}
	}
	for _, text := range []string{"", "x", a.Public(), a.Public() + " 1;service;x;;;1;1;U;AAAA", "UAAA 1;2"} {
		if _, err := proof.Read(text); err == nil {
			t.Errorf("%q is a grant", text)
		}
	}
}

// FuzzExamine wants no input to pass as proven that was not signed.
func FuzzExamine(f *testing.F) {
	seed, err := proof.NewAuthoritySeed()
	if err != nil {
		f.Fatal(err)
	}
	a, err := proof.OpenAuthority(seed, began)
	if err != nil {
		f.Fatal(err)
	}
	pair, err := nkeys.CreateUser()
	if err != nil {
		f.Fatal(err)
	}
	key, err := pair.PublicKey()
	if err != nil {
		f.Fatal(err)
	}
	text, err := a.Issue(proof.Grant{Kind: proof.Service, Name: "inventory", Key: key}, time.Now())
	if err != nil {
		f.Fatal(err)
	}
	issued, err := proof.Read(text)
	if err != nil {
		f.Fatal(err)
	}
	private, err := pair.Seed()
	if err != nil {
		f.Fatal(err)
	}
	s, err := proof.NewSigner(issued, private)
	if err != nil {
		f.Fatal(err)
	}
	v, err := proof.NewVerifier(issued, proof.Required, time.Time{})
	if err != nil {
		f.Fatal(err)
	}
	now := time.Now()
	made, grant := s.Sign(placed, "id", []byte("body"), now)
	f.Add(placed, "id", made, grant, []byte("body"))
	f.Add(placed, "id", made, grant, []byte("other"))
	f.Add(lost, "", "1;;", "1;service", []byte{})
	f.Fuzz(func(t *testing.T, subject, id, made2, grant2 string, body []byte) {
		m := proof.Message{Subject: subject, ID: id, ContentType: events.MediaType, Proof: made2, Grant: grant2, Body: body, Stored: now}
		_, err := v.Examine([]proof.Message{m, {Subject: placed, ID: "id", ContentType: events.MediaType, Proof: made, Grant: grant, Body: []byte("body"), Stored: now}})[0].Verify()
		same := subject == placed && id == "id" && made2 == made && grant2 == grant && string(body) == "body"
		if (err == nil) != same {
			t.Errorf("proven: %v", err)
		}
	})
}
