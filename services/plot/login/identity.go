package login

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/fiord-bench/fiord/internal/access"
)

// Identity is who made a request.
type Identity struct {
	// Name of the person; "" for who has not signed in.
	Name string
	// Role; "" may nothing.
	Role access.Role
	// Via is how they signed in: token, oidc or proxy; "" for not at all.
	Via string
}

// SignedIn says whether it is anybody in particular.
func (i Identity) SignedIn() bool { return i.Via != "" }

type contextKey struct{}

// User is who made the request. A request that no [Guard] saw is anybody's, and may
// nothing.
func User(r *http.Request) Identity {
	i, _ := r.Context().Value(contextKey{}).(Identity)
	return i
}

// CanSignOut says whether the session is this page's to end.
func (i Identity) CanSignOut() bool { return i.Via == viaToken || i.Via == viaOIDC }

type offeredKey struct{}

// Offered reports whether the page that was asked for has a way to sign in.
func Offered(r *http.Request) bool {
	offered, _ := r.Context().Value(offeredKey{}).(bool)
	return offered
}

// with is the request with who made it, and whether there is a way to sign in.
func with(r *http.Request, i Identity, offered bool) *http.Request {
	ctx := context.WithValue(r.Context(), contextKey{}, i)
	return r.WithContext(context.WithValue(ctx, offeredKey{}, offered))
}

// Require serves those who have the role or a stronger one. Others get 401, or in a
// browser the page to sign in on, and those who are signed in already 403.
func Require(role access.Role, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user := User(r)
		switch {
		case user.Role.Includes(role):
			next.ServeHTTP(w, r)
		case user.SignedIn():
			refuse(w, http.StatusForbidden, fmt.Sprintf("%s has the role %s, and this needs %s.", user.Name, orNone(user.Role), role))
		case r.Method == http.MethodGet && strings.Contains(r.Header.Get("Accept"), "text/html"):
			http.Redirect(w, r, "/login?"+url.Values{"to": {r.URL.RequestURI()}}.Encode(), http.StatusSeeOther)
		default:
			w.Header().Set("WWW-Authenticate", `Bearer realm="fiord"`)
			refuse(w, http.StatusUnauthorized, "Sign in at /login, or send a token: Authorization: Bearer TOKEN.")
		}
	})
}

func orNone(r access.Role) string {
	if r == "" {
		return "none"
	}
	return string(r)
}

// refuse answers in plain text.
func refuse(w http.ResponseWriter, status int, why string) {
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, why, status)
}
