package post

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/fiord-bench/fiord/services/notify/notice"
)

// Comment sends a request that makes or changes a comment and returns the
// comment's id, which every forge answers as a number.
func (c *Client) Comment(ctx context.Context, r Request) (id string, err error) {
	var answer struct {
		ID json.Number `json:"id"`
	}
	if err := c.Ask(ctx, r, &answer); err != nil {
		return "", err
	}
	if answer.ID == "" {
		return "", &notice.SendError{Outcome: notice.Failed, Err: errors.New("answered without the id of the comment")}
	}
	return answer.ID.String(), nil
}
