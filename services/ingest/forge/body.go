package forge

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
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
// some with every release. Nine tenths of a payload are skipped, which is why
// it is read by the package that does so in one pass.
func decode(doc []byte, v any) error {
	err := json.Unmarshal(doc, v, jsontext.AllowInvalidUTF8(true))
	var wrong *json.SemanticError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &wrong) && wrong.JSONPointer != "":
		return fmt.Errorf("%w: %s is a JSON %s, which does not belong there", ErrMalformed, wrong.JSONPointer, kind(wrong))
	case errors.As(err, &wrong):
		return fmt.Errorf("%w: it is a JSON %s, where a forge sends an object", ErrMalformed, kind(wrong))
	default:
		return fmt.Errorf("%w: it is no JSON: %s", ErrMalformed, strings.TrimPrefix(err.Error(), "jsontext: "))
	}
}

func kind(e *json.SemanticError) string {
	switch e.JSONKind {
	case '[':
		return "array"
	case '{':
		return "object"
	default:
		return e.JSONKind.String()
	}
}
