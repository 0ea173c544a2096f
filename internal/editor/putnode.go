package editor

import (
	"bytes"
	"context"
	"encoding/json"
	"strconv"

	"tsunagi/internal/flow"
)

// Broker is an MQTT server with a login, for the flows.
type Broker struct {
	ID       string // of its node
	Name     string
	Host     string
	Port     int
	ClientID string
	User     string
	Password string
}

// PutBroker makes a broker's node, ready to be chosen in every mqtt node, or gives the one there is another address and
// login; whatever else was changed in it stays. It returns when all is on disk.
func (s *Server) PutBroker(ctx context.Context, b Broker) error {
	file := s.project.state.Load().file
	rev := file.Rev()
	node := map[string]any{"id": b.ID, "type": "mqtt-broker", "name": b.Name, "clientid": b.ClientID, "autoConnect": true, "protocolVersion": "5",
		"keepalive": "60", "cleansession": true, "autoUnsubscribe": true,
		"birthTopic": "", "birthQos": "0", "birthRetain": "false", "birthPayload": "", "birthMsg": map[string]any{},
		"closeTopic": "", "closeQos": "0", "closeRetain": "false", "closePayload": "", "closeMsg": map[string]any{},
		"willTopic": "", "willQos": "0", "willRetain": "false", "willPayload": "", "willMsg": map[string]any{}, "userProps": "", "sessionExpiry": ""}
	var others []json.RawMessage
	for _, n := range file.Nodes {
		if n.ID != b.ID || n.Type != "mqtt-broker" {
			others = append(others, n.Raw)
			continue
		}
		if err := json.Unmarshal(n.Raw, &node); err != nil {
			return err
		}
	}
	node["broker"], node["port"], node["usetls"] = b.Host, strconv.Itoa(b.Port), true
	node["credentials"] = map[string]string{"user": b.User, "password": b.Password}
	raw, err := json.Marshal(node)
	if err != nil {
		return err
	}
	list := append(others, raw)
	next, err := flow.ParseFile(append(append([]byte("["), bytes.Join(asBytes(list), []byte(","))...), ']'))
	if err != nil {
		return err
	}
	_, err = s.project.deploy(ctx, next, &rev, flow.DeployNodes)
	return err
}

func asBytes(list []json.RawMessage) [][]byte {
	out := make([][]byte, len(list))
	for i, raw := range list {
		out[i] = raw
	}
	return out
}
