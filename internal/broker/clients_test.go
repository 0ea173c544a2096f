package broker

import (
	"fmt"
	"slices"
	"testing"

	"tsunagi/internal/mqtt"
)

// walk reads all pages of a list.
func walk(t *testing.T, r *rig, q ClientQuery) (ids []string, total int) {
	t.Helper()
	for range 100 {
		p := r.b.Page(q)
		if len(p.Clients) > q.Limit {
			t.Fatalf("%d on a page of %d", len(p.Clients), q.Limit)
		}
		for _, c := range p.Clients {
			ids = append(ids, c.ID)
		}
		if q.After = p.Next; p.Next == nil {
			return ids, p.Total
		}
	}
	t.Fatal("the pages have no end")
	return nil, 0
}

func TestPagesOfClients(t *testing.T) {
	r := newRig(t, Limits{})
	defer r.stop()
	for i := range 7 {
		p, _ := r.connectAs(persistentPacket(fmt.Sprintf("Away%d", i), mqtt.V5), Identity{User: "u" + fmt.Sprint(i%2)})
		p.sub("one/#", 1)
		if i < 3 {
			p.sub("more/#", 1)
		}
		p.gone()
	}
	r.from = "192.0.2.7"
	r.simple("pub")
	last := r.simple("quiet")
	last.pub(mqtt.Publish{Topic: []byte("one/a"), Payload: []byte("x"), QoS: 1, PacketID: 1})
	last.pub(mqtt.Publish{Topic: []byte("more/a"), Payload: []byte("x"), QoS: 1, PacketID: 2})
	last.frame()
	last.frame()
	tests := []struct {
		name string
		q    ClientQuery
		want []string
	}{
		{"all", ClientQuery{}, []string{"Away0", "Away1", "Away2", "Away3", "Away4", "Away5", "Away6", "pub", "quiet"}},
		{"downwards", ClientQuery{Down: true, State: OnlyConnected}, []string{"quiet", "pub"}},
		{"away", ClientQuery{State: OnlyAway, Contains: "AWAY1"}, []string{"Away1"}},
		{"of a user", ClientQuery{User: "u1"}, []string{"Away1", "Away3", "Away5"}},
		{"user's name", ClientQuery{Contains: "U1"}, []string{"Away1", "Away3", "Away5"}},
		{"address", ClientQuery{Contains: "192.0.2."}, []string{"pub", "quiet"}},
		{"queues", ClientQuery{Order: ByQueue, Down: true, State: OnlyAway}, []string{"Away2", "Away1", "Away0", "Away6", "Away5", "Away4", "Away3"}},
		{"traffic", ClientQuery{Order: ByTraffic, Down: true, State: OnlyConnected}, []string{"quiet", "pub"}},
		{"skipped", ClientQuery{Skip: 7}, []string{"pub", "quiet"}},
		{"nothing left", ClientQuery{Skip: 1_000_000_000}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.q.Limit = 2
			if tt.q.Skip > 0 {
				tt.q.Limit = 9
			}
			total := len(tt.want) + min(tt.q.Skip, 9)
			if tt.name == "skipped" {
				total = 9
			}
			if got, n := walk(t, r, tt.q); !slices.Equal(got, tt.want) || n != total {
				t.Errorf("%v of %d, want %v of %d", got, n, tt.want, total)
			}
		})
	}
}

// BenchmarkPageOfClients asks for one page of 10,000 sessions.
func BenchmarkPageOfClients(b *testing.B) {
	r := newRig(b, Limits{})
	defer r.stop()
	for i := range 10_000 {
		r.sink(fmt.Sprintf("client-%05d", i), mqtt.V5, false)
	}
	for name, q := range map[string]ClientQuery{"first": {}, "search": {Contains: "0999"}, "queue": {Order: ByQueue, Down: true}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			q.Limit = 100
			for b.Loop() {
				r.b.Page(q)
			}
		})
	}
}
