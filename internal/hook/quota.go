package hook

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"tsunagi/internal/account"
	"tsunagi/internal/filling"
	"tsunagi/internal/mqtt"
)

// Quota is a limit of an instance's plan of which a level was reached.
type Quota struct {
	Quota  string    `json:"quota"`  // name of the plan's setting, such as "connections"
	Level  int       `json:"level"`  // percent that were reached
	Used   int64     `json:"used"`   // when it was told
	Limit  int64     `json:"limit"`  // bytes or a number, as the quota has it
	Client string    `json:"client"` // of the session that uses most, where the limit is one session's
	Time   time.Time `json:"time"`   // when it was reached
}

// id is the same for a crossing whenever it is told.
func (q *Quota) id(instance string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "quota %s %s %d %d", instance, q.Quota, q.Level, q.Time.UnixMicro()))
	return "msg_" + hex.EncodeToString(sum[:12])
}

// TellQuota hands a crossing to the hooks of an instance. When it returns nil it waits in their queues and is delivered as
// every event is; what is told twice has the same id, by which receivers leave it out.
func (m *Manager) TellQuota(ctx context.Context, instance string, q Quota) error {
	b := m.o.Find(instance)
	if b == nil {
		m.mu.Lock()
		none := len(m.all[instance]) == 0
		m.mu.Unlock()
		if none {
			return nil
		}
		var err error
		if b, err = m.o.Broker(ctx, instance); err != nil {
			return err
		}
	}
	body, err := json.Marshal(q)
	if err != nil {
		return err
	}
	return b.PublishPacket(ctx, &mqtt.Publish{QoS: 1, Topic: []byte(eventTopics[account.HookQuota]), Payload: body})
}

// quotaOf reads what TellQuota has published.
func quotaOf(m *filling.Message) error {
	var q Quota
	if err := json.Unmarshal(m.Payload, &q); err != nil {
		return err
	}
	m.ID, m.Type, m.Time, m.Client = q.id(m.Instance), string(account.HookQuota), q.Time, q.Client
	return nil
}
