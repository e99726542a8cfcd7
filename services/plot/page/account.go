package page

import (
	"net/http"
	"net/url"

	"github.com/fiord-bench/fiord/services/plot/login"
)

// account is what a page says of who looks at it.
type account struct {
	// Name and Role of who is signed in; empty for nobody in particular.
	Name, Role string
	// SignIn leads to the ways to sign in and back here; empty where there are none, and for
	// who has signed in.
	SignIn string
	// SignOut is set where the session is this page's to end, not a proxy's.
	SignOut bool
}

func accountOf(r *http.Request) account {
	user := login.User(r)
	if user.SignedIn() {
		return account{Name: user.Name, Role: string(user.Role), SignOut: user.CanSignOut()}
	}
	if !login.Offered(r) {
		return account{}
	}
	return account{SignIn: "/login?" + url.Values{"to": {r.URL.RequestURI()}}.Encode()}
}
