package embedded

import (
	"encoding/json"
	"slices"
	"sync"

	"github.com/versity/versitygw/auth"
	"github.com/versity/versitygw/s3err"
)

// accounts is the gateway's user directory, kept in memory.
type accounts struct {
	mu    sync.RWMutex
	known map[string]auth.Account
}

var _ auth.IAMService = (*accounts)(nil)

// set replaces everybody by root and users.
func (a *accounts) set(root auth.Account, users []User) {
	known := map[string]auth.Account{root.Access: root}
	for _, u := range users {
		known[u.AccessKey] = auth.Account{Access: u.AccessKey, Secret: u.SecretKey, Role: auth.RoleUser}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.known = known
}

// GetUserAccount implements [auth.IAMService].
func (a *accounts) GetUserAccount(access string) (auth.Account, error) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	if acct, ok := a.known[access]; ok {
		return acct, nil
	}
	return auth.Account{}, auth.ErrNoSuchUser
}

// ResolveAccounts implements [auth.IAMService]: it returns who does not exist.
func (a *accounts) ResolveAccounts(keys []string) ([]string, error) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	missing := []string{}
	for _, k := range keys {
		if _, ok := a.known[k]; !ok {
			missing = append(missing, k)
		}
	}
	return missing, nil
}

// The directory cannot be changed over the wire.
var errFixed = s3err.GetAPIError(s3err.ErrAdminMethodNotSupported)

// CreateAccount implements [auth.IAMService].
func (*accounts) CreateAccount(auth.Account) error { return errFixed }

// UpdateUserAccount implements [auth.IAMService].
func (*accounts) UpdateUserAccount(string, auth.MutableProps) error { return errFixed }

// DeleteUserAccount implements [auth.IAMService].
func (*accounts) DeleteUserAccount(string) error { return errFixed }

// ListUserAccounts implements [auth.IAMService].
func (*accounts) ListUserAccounts() ([]auth.Account, error) { return nil, errFixed }

// Shutdown implements [auth.IAMService].
func (*accounts) Shutdown() error { return nil }

// statement is one sentence of a bucket policy.
type statement struct {
	Effect    string              `json:"Effect"`
	Principal map[string][]string `json:"Principal"`
	Action    []string            `json:"Action"`
	Resource  []string            `json:"Resource"`
}

// policy words the rights of all users as a bucket policy; "" without users.
func policy(bucket string, users []User) string {
	if len(users) == 0 {
		return ""
	}
	const arn = "arn:aws:s3:::"
	below := func(prefixes []string) (out []string) {
		for _, p := range prefixes {
			out = append(out, arn+bucket+"/"+p+"*")
		}
		return out
	}
	var doc struct {
		Version   string      `json:"Version"`
		Statement []statement `json:"Statement"`
	}
	doc.Version = "2012-10-17"
	allow := func(who []string, resources []string, actions ...string) {
		if len(resources) > 0 {
			doc.Statement = append(doc.Statement, statement{"Allow", map[string][]string{"AWS": who}, actions, resources})
		}
	}
	// The gateway reads all of it for each request, and hosts are many: those who
	// may the same share a statement.
	everybody, writers, removers := []string{}, together{}, together{}
	for _, u := range users {
		everybody = append(everybody, u.AccessKey)
		writers.add(u.Write, u.AccessKey)
		removers.add(u.Delete, u.AccessKey)
	}
	for _, g := range writers {
		allow(g.users, below(g.prefixes), "s3:PutObject")
	}
	for _, g := range removers {
		allow(g.users, below(g.prefixes), "s3:DeleteObject")
	}
	allow(everybody, []string{arn + bucket}, "s3:ListBucket", "s3:GetBucketLocation")
	allow(everybody, []string{arn + bucket + "/*"}, "s3:GetObject")
	text, err := json.Marshal(doc)
	if err != nil {
		panic("marshal bucket policy: " + err.Error()) // strings only: cannot happen
	}
	return string(text)
}

// together are the users who share prefixes, in the order of their first.
type together []struct{ prefixes, users []string }

func (t *together) add(prefixes []string, user string) {
	for i, g := range *t {
		if slices.Equal(g.prefixes, prefixes) {
			(*t)[i].users = append(g.users, user)
			return
		}
	}
	*t = append(*t, struct{ prefixes, users []string }{prefixes, []string{user}})
}
