package dns01

import (
	"strings"
	"testing"
)

// TestSakura wants the other records of a zone, which are written with every change, to stay as they are.
func TestSakura(t *testing.T) {
	const sub = "_acme-challenge.mqtt"
	const others = `{"Name":"www","Type":"A","RData":"192.0.2.1","TTL":300},{"Name":"` + sub + `","Type":"TXT","RData":"other","TTL":60}`
	zone := func(more string) string {
		return `{"CommonServiceItems":[{"ID":"1","Name":"example.org"},{"ID":"2","Name":"ours","Status":{"Zone":"example.net"},"Settings":{"DNS":{"ResourceRecordSets":[` + others + more + `]}}}]}`
	}
	const get = "GET /commonserviceitem?%7B%22Count%22:1000%2C%22Filter%22:%7B%22Provider.Class%22:%22dns%22%7D%7D"
	login := " " + basic("token", "secret")
	put := func(more string) string {
		return "PUT /commonserviceitem/2" + login + ` {"CommonServiceItem":{"Settings":{"DNS":{"ResourceRecordSets":[` + others + more + `]}}}}`
	}
	const ours = `,{"Name":"` + sub + `","Type":"TXT","RData":"value-1","TTL":60}`
	s := newService(t, "GET /commonserviceitem", zone(""), "PUT /commonserviceitem/2", `{}`)
	r := records(t, Options{Provider: "sakura", URL: s.url, User: "token", Password: "secret"})
	if err := r.Set(t.Context(), challenge+".", "value-1"); err != nil {
		t.Fatal(err)
	}
	s.wants(t, get+login, put(ours))
	s = newService(t, "GET /commonserviceitem", zone(`,{"Name":"`+sub+`","Type":"TXT","RData":"\"value-1\"","TTL":60}`), "PUT /commonserviceitem/2", `{}`)
	r = records(t, Options{Provider: "sakura", URL: s.url, User: "token", Password: "secret"})
	if err := r.Remove(t.Context(), challenge, "value-1"); err != nil {
		t.Fatal(err)
	}
	s.wants(t, get+login, put(""))
	if err := r.Set(t.Context(), "_acme-challenge.example.com", "x"); err == nil || !strings.Contains(err.Error(), "no zone") {
		t.Errorf("a zone that isn't there: %v", err)
	}
	if err := records(t, Options{Provider: "sakura", URL: s.url, User: "a", Password: "b", Zone: "example.net"}).Set(t.Context(), "x.example.org", "x"); err == nil {
		t.Error("a name outside of the zone")
	}
	if _, err := New(Options{Provider: "sakura", User: "a"}); err == nil || !strings.Contains(err.Error(), "dns.password") {
		t.Errorf("without a secret: %v", err)
	}
}
