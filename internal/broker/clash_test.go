package broker

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tsunagi/internal/mqtt"
)

// pulse is a link that knows how its peer is.
type pulse struct {
	Link
	silent time.Duration
	probes int
}

func (p *pulse) Silent() time.Duration { return p.silent }
func (p *pulse) Probe()                { p.probes++ }

// TestClash lets newcomers come with the client identifier of a connected client.
func TestClash(t *testing.T) {
	alive := &pulse{silent: 9 * time.Second}
	late := &pulse{silent: 11 * time.Second} // a packet may be on its way
	dead := &pulse{silent: 13 * time.Second}
	tests := []struct {
		name      string
		limits    Limits
		keepAlive uint16
		link      *pulse // nil: one that knows nothing of its peer
		from      string
		who       Identity
		want      mqtt.Reason
	}{
		{"default", Limits{}, 10, alive, "203.0.113.9:1", Identity{User: "v"}, mqtt.Success},
		{"another address", Limits{Clash: ClashRefuse}, 10, alive, "203.0.113.9:1", Identity{User: "u"}, mqtt.ClientIdentifierNotValid},
		{"another user", Limits{Clash: ClashRefuse}, 10, alive, "192.0.2.1:2", Identity{User: "v"}, mqtt.ClientIdentifierNotValid},
		{"the same comes back", Limits{Clash: ClashRefuse}, 10, alive, "192.0.2.1:2", Identity{User: "u"}, mqtt.Success},
		{"a link without pulse", Limits{Clash: ClashRefuse}, 10, nil, "203.0.113.9:1", Identity{User: "u"}, mqtt.ClientIdentifierNotValid},
		{"late", Limits{Clash: ClashRefuse}, 10, late, "203.0.113.9:1", Identity{User: "v"}, mqtt.ClientIdentifierNotValid},
		{"silent for longer than its keep-alive", Limits{Clash: ClashRefuse}, 10, dead, "203.0.113.9:1", Identity{User: "v"}, mqtt.Success},
		{"no keep-alive", Limits{Clash: ClashRefuse}, 0, &pulse{silent: 59 * time.Second}, "203.0.113.9:1", Identity{User: "v"}, mqtt.ClientIdentifierNotValid},
		{"no keep-alive, and silent", Limits{Clash: ClashRefuse}, 0, &pulse{silent: 61 * time.Second}, "203.0.113.9:1", Identity{User: "v"}, mqtt.Success},
		{"a part of this server", Limits{Clash: ClashRefuse}, 10, alive, "", Identity{User: "u", Inner: true}, mqtt.Success},
		{"the panel's web client", Limits{Clash: ClashRefuse}, 10, alive, "203.0.113.9:1", Identity{User: "web-client", Web: true}, mqtt.Success},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, tt.limits)
			r.from = "192.0.2.1:1"
			p := persistentPacket("same", mqtt.V5)
			p.KeepAlive = tt.keepAlive
			first, _ := r.connect(p)
			probes := 0
			if tt.link != nil {
				tt.link.Link, first.c.link = first, tt.link
				probes = tt.link.probes
			}
			r.from = tt.from
			_, err := r.try(persistentPacket("same", mqtt.V5), tt.who)
			if got := mqtt.ReasonOf(err); err != nil && got != tt.want || err == nil && tt.want != mqtt.Success {
				t.Fatalf("%v, want %v", err, tt.want)
			}
			e, told := r.event("refused")
			if first.c.gone.Load() != (err == nil) || told != (err != nil) {
				t.Errorf("the first one is gone: %v; told: %v", first.c.gone.Load(), told)
			}
			if err == nil {
				return
			}
			if e.Gate != "session" || e.Rule != "client_id" || e.Reason != tt.want || !strings.Contains(e.Cause, `user "u" from 192.0.2.1`) {
				t.Errorf("%+v", e)
			}
			if tt.link != nil && tt.link.probes != probes+1 {
				t.Errorf("asked for a sign of life %d times", tt.link.probes-probes)
			}
			if s := r.b.Stats(); s.Clashes != 1 || s.Clients != 1 {
				t.Errorf("%+v", s)
			}
			first.must((&mqtt.Publish{Topic: []byte("a"), Payload: []byte("x")}).Append(nil, mqtt.V5)) // lives on
		})
	}
}

// TestClashLines: who comes again and again fills no log, and is counted.
func TestClashLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Limits{Clash: ClashRefuse})
		defer r.stop()
		r.from = "192.0.2.1:1"
		r.simple("same")
		r.from = "203.0.113.9:1"
		for range 2 {
			for range 100 {
				if _, err := r.try(connectPacket("same", mqtt.V311), Identity{User: "u"}); !errors.Is(err, mqtt.ClientIdentifierNotValid) {
					t.Fatal(err)
				}
			}
			time.Sleep(11 * time.Second)
		}
		var lines []string
		for _, e := range r.events {
			if e.Kind == "refused" {
				lines = append(lines, e.Cause)
			}
		}
		if len(lines) != 2 || !strings.HasSuffix(lines[1], "(and 99 more since the last such line)") || r.b.Stats().Clashes != 200 {
			t.Errorf("%q", lines)
		}
	})
}

// TestClashEnds: when the holder goes, or the policy does, the next one gets in, with the session.
func TestClashEnds(t *testing.T) {
	r := newRig(t, Limits{Clash: ClashRefuse})
	r.from = "192.0.2.1:1"
	first, _ := r.connect(persistentPacket("same", mqtt.V5))
	first.gone()
	r.from = "203.0.113.9:1"
	if _, ack := r.connect(persistentPacket("same", mqtt.V5)); !ack.SessionPresent {
		t.Error("the session is gone")
	}
	r.from = "198.51.100.4:1"
	if _, err := r.try(persistentPacket("same", mqtt.V5), Identity{User: "u"}); mqtt.ReasonOf(err) != mqtt.ClientIdentifierNotValid {
		t.Error(err)
	}
	r.b.SetLimits(Limits{})
	r.connect(persistentPacket("same", mqtt.V5))
}

func TestSameHost(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"192.0.2.1:1", "192.0.2.1:65000", true}, {"192.0.2.1:1", "192.0.2.2:1", false}, {"[::ffff:192.0.2.1]:1", "192.0.2.1:2", true},
		{"[2001:db8::1]:1", "[2001:db8::ffff:1]:2", true}, {"[2001:db8::1]:1", "[2001:db8:0:1::1]:1", false}, {"[2001:db8::1]:1", "192.0.2.1:1", false},
		{"test", "test", true}, {"test", "", false},
	} {
		if got := sameHost(tt.a, tt.b); got != tt.want {
			t.Errorf("sameHost(%q, %q) = %v", tt.a, tt.b, got)
		}
	}
}
