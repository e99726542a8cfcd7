package forge

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/url"
)

// document returns the JSON of a delivery: the body, or the field "payload" of
// a form, which GitHub, Gitea and their kin can be set to send.
func document(d Delivery) ([]byte, error) {
	if !isForm(d.Header) {
		return d.Body, nil
	}
	values, err := url.ParseQuery(string(d.Body))
	if err != nil {
		return nil, fmt.Errorf("%w: form: %v", ErrMalformed, err)
	}
	payload := values.Get("payload")
	if payload == "" {
		return nil, fmt.Errorf("%w: form has no field payload", ErrMalformed)
	}
	return []byte(payload), nil
}

func isForm(h http.Header) bool {
	media, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	return err == nil && media == "application/x-www-form-urlencoded"
}

// decode reads the document into v. Unknown fields are the rule: forges add
// some with every release.
func decode(doc []byte, v any) error {
	if err := json.Unmarshal(doc, v); err != nil {
		return fmt.Errorf("%w: %v", ErrMalformed, err)
	}
	return nil
}
