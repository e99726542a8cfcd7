package post

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/fiord-bench/fiord/services/notify/notice"
)

// hints are what a forge means by refusing, and what the operator can do.
var hints = map[int]string{
	http.StatusUnauthorized:        "the token is wrong or has expired",
	http.StatusForbidden:           "the token may not write statuses (or comments) there",
	http.StatusNotFound:            "the token does not see the repository or commit, which private forges answer in place of a refusal",
	http.StatusUnprocessableEntity: "the forge does not take this status: the commit is not there, or has too many of them",
}

// Hint adds to a forge's refusal what it means. The outcome stays.
func Hint(err error) error {
	failure, ok := errors.AsType[*notice.SendError](err)
	if !ok || failure.Outcome != notice.Refused || hints[failure.Code] == "" {
		return err
	}
	hinted := *failure
	hinted.Err = fmt.Errorf("%w (%s)", failure.Err, hints[failure.Code])
	return &hinted
}
