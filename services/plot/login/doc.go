// Package login says who asks for a page, and what they may: by a token of fiord
// creds, by OpenID Connect, or by a header that a trusted proxy sets. Handlers ask
// [User] who it is, and stand behind [Require] where a role is needed:
//
//	mux.Handle("POST /benches/{bench}/accept", login.Require(access.Operator, accept))
//
// [Guard.Wrap] puts the answer into each request, serves /login and /logout, and
// refuses requests that change something and were made by another site's page.
// Sessions are cookies, encrypted and signed, that hold the name and never the
// rights: those follow from the settings and the tokens at each request.
package login
