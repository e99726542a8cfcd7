package service

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"
)

// answerTime is how long services are waited for.
const answerTime = time.Second

// Registered counts the instances of one version of a service.
type Registered struct {
	Name      string `json:"name"`
	Version   string `json:"version"`
	Instances int    `json:"instances"`
}

// Versions returns what of fiord answers on a connection within a second, by name
// and version.
func Versions(nc *nats.Conn) ([]Registered, error) {
	inbox := nc.NewRespInbox()
	sub, err := nc.SubscribeSync(inbox)
	if err != nil {
		return nil, fmt.Errorf("ask services: %w", err)
	}
	defer func() { _ = sub.Unsubscribe() }() // ends with its connection anyway
	ping, err := micro.ControlSubject(micro.PingVerb, "", "")
	if err != nil {
		return nil, fmt.Errorf("ask services: %w", err)
	}
	if err := nc.PublishRequest(ping, inbox, nil); err != nil {
		return nil, fmt.Errorf("ask services: %w", err)
	}
	counts := map[Registered]int{}
	for until := time.Now().Add(answerTime); ; {
		msg, err := sub.NextMsg(max(time.Until(until), time.Millisecond))
		if errors.Is(err, nats.ErrTimeout) || errors.Is(err, nats.ErrNoResponders) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("ask services: %w", err)
		}
		var pong micro.Ping
		if json.Unmarshal(msg.Data, &pong) == nil && pong.Name != "" {
			counts[Registered{Name: pong.Name, Version: pong.Version}]++
		}
	}
	list := make([]Registered, 0, len(counts))
	for s, n := range counts {
		s.Instances = n
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b Registered) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Version, b.Version))
	})
	return list, nil
}
