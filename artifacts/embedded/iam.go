package embedded

import (
	"encoding/json"
	"fmt"
	"sync"

	"github.com/fiord-bench/fiord/artifacts"
	"github.com/versity/versitygw/auth"
	"github.com/versity/versitygw/s3err"
)

// accounts is the gateway's user directory, kept in memory, with what each user may.
type accounts struct {
	bucket string // that the rights are about

	mu    sync.RWMutex
	known map[string]entry
}

// entry is a user. Its policy words its rights and nobody else's: the gateway reads
// a policy whole for each request, and bench hosts are many.
type entry struct {
	auth.Account
	rights artifacts.Rights
	policy []byte
}

var _ auth.IAMService = (*accounts)(nil)

// set replaces everybody by root and users.
func (a *accounts) set(root auth.Account, users []User) error {
	known := map[string]entry{root.Access: {Account: root}}
	for _, u := range users {
		text, err := policyOf(u, a.bucket)
		if err != nil {
			return err
		}
		known[u.AccessKey] = entry{auth.Account{Access: u.AccessKey, Secret: u.SecretKey, Role: auth.RoleUser}, u.Rights, text}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.known = known
	return nil
}

// policyOf words the rights of one user as a policy of the bucket, as the gateway
// accepts it.
func policyOf(u User, bucket string) ([]byte, error) {
	doc := struct {
		Version   string
		Statement []artifacts.Statement
	}{artifacts.PolicyVersion, u.Rights.Statements(bucket)}
	for i := range doc.Statement {
		doc.Statement[i].Principal = map[string][]string{"AWS": {u.AccessKey}}
	}
	text, err := json.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("word rights of %s: %w", u.AccessKey, err)
	}
	if err := auth.ValidatePolicyDocument(text, bucket, anybody{}); err != nil {
		return nil, fmt.Errorf("word rights of %s: %w", u.AccessKey, err)
	}
	return text, nil
}

// anybody is a directory that knows every name.
type anybody struct{ auth.IAMService }

// ResolveAccounts implements [auth.IAMService].
func (anybody) ResolveAccounts([]string) ([]string, error) { return nil, nil }

// policy is what the user may in the bucket that rights are about.
func (a *accounts) policy(access string) []byte {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.known[access].policy
}

// mayReplace reports whether the user may replace a version that it names.
func (a *accounts) mayReplace(access, key string) bool {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.known[access].rights.MayReplace(key)
}

// GetUserAccount implements [auth.IAMService].
func (a *accounts) GetUserAccount(access string) (auth.Account, error) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	if u, ok := a.known[access]; ok {
		return u.Account, nil
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
