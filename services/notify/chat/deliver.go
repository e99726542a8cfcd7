package chat

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/fiord-bench/fiord/services/notify/notice"
	"github.com/fiord-bench/fiord/services/notify/post"
)

// deliver sends a message and looks for an error in the body of what is called a
// success: gateways before chats answer 200 for what they could not pass on.
func deliver(ctx context.Context, client *post.Client, req post.Request) error {
	req.Refuse = refused
	return client.Do(ctx, req)
}

// teamsFailure is how Teams says in a success that it is none.
const teamsFailure = "Webhook message delivery failed with error"

// refused reads the ways in which chats say in a success that it is none.
func refused(answer []byte) error {
	text := strings.TrimSpace(string(answer))
	if strings.HasPrefix(text, teamsFailure) {
		e := &notice.SendError{Outcome: notice.Failed, Err: errors.New(notice.OneLine(text, 300))}
		if strings.Contains(text, "429") {
			e.Outcome, e.After = notice.Busy, time.Minute
		}
		return e
	}
	var said struct {
		OK      *bool           `json:"ok"`
		Error   json.RawMessage `json:"error"`
		Code    *int            `json:"errcode"`
		Message string          `json:"errmsg"`
	}
	if !strings.HasPrefix(text, "{") || json.Unmarshal(answer, &said) != nil {
		return nil
	}
	switch {
	case said.OK != nil && !*said.OK, said.OK == nil && len(said.Error) > 0 && !empty(said.Error):
		return &notice.SendError{Outcome: notice.Failed, Err: fmt.Errorf("answered success with the error %s", notice.OneLine(string(said.Error), 300))}
	case said.Code != nil && *said.Code != 0:
		return &notice.SendError{Outcome: notice.Failed, Err: fmt.Errorf("answered success with errcode %d: %s", *said.Code, notice.OneLine(said.Message, 300))}
	}
	return nil
}

func empty(raw json.RawMessage) bool {
	return bytes.Equal(raw, []byte("null")) || bytes.Equal(raw, []byte(`""`)) || bytes.Equal(raw, []byte("false"))
}
