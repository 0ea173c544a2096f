package dns01

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// recordLife is the TTL of the records, in seconds.
const recordLife = 60

// update speaks RFC 2136 with a zone's primary, signed by TSIG (RFC 8945).
type update struct {
	server, zone, keyName, keyKind string
	client                         *dns.Client
}

func newUpdate(o Options) *update {
	u := &update{server: o.Server, zone: o.Zone, keyKind: dns.Fqdn(or(strings.ToLower(o.KeyKind), "hmac-sha256")),
		client: &dns.Client{Net: "tcp", Timeout: callTime}}
	if _, _, err := net.SplitHostPort(u.server); err != nil {
		u.server = net.JoinHostPort(u.server, "53")
	}
	if o.KeyName != "" {
		u.keyName = dns.Fqdn(strings.ToLower(o.KeyName))
		u.client.TsigSecret = map[string]string{u.keyName: o.Key}
	}
	return u
}

func (u *update) set(ctx context.Context, name, value string) error {
	return u.change(ctx, name, func(m *dns.Msg) { m.Insert([]dns.RR{record(name, value)}) })
}

func (u *update) remove(ctx context.Context, name, value string) error {
	return u.change(ctx, name, func(m *dns.Msg) { m.Remove([]dns.RR{record(name, value)}) })
}

func record(name, value string) dns.RR {
	return &dns.TXT{Hdr: dns.RR_Header{Name: dns.Fqdn(name), Rrtype: dns.TypeTXT, Class: dns.ClassINET, Ttl: recordLife}, Txt: []string{value}}
}

func (u *update) change(ctx context.Context, name string, add func(*dns.Msg)) error {
	zone, err := u.zoneOf(ctx, name)
	if err != nil {
		return err
	}
	m := new(dns.Msg)
	m.SetUpdate(dns.Fqdn(zone))
	add(m)
	_, err = u.ask(ctx, m)
	return err
}

// zoneOf asks the primary which of its zones holds a name.
func (u *update) zoneOf(ctx context.Context, name string) (string, error) {
	if u.zone != "" {
		return u.zone, nil
	}
	for _, zone := range parents(name) {
		m := new(dns.Msg)
		m.SetQuestion(dns.Fqdn(zone), dns.TypeSOA)
		a, err := u.exchange(ctx, m)
		if err != nil {
			return "", err
		}
		for _, rr := range a.Answer {
			if soa, ok := rr.(*dns.SOA); ok && strings.EqualFold(soa.Hdr.Name, dns.Fqdn(zone)) {
				return zone, nil
			}
		}
	}
	return "", fmt.Errorf("the DNS server %s has no zone for %s; set dns.zone", u.server, name)
}

// ask sends an update and judges the answer.
func (u *update) ask(ctx context.Context, m *dns.Msg) (*dns.Msg, error) {
	a, err := u.exchange(ctx, m)
	if err != nil {
		return nil, err
	}
	if a.Rcode != dns.RcodeSuccess {
		return nil, fmt.Errorf("the DNS server %s refused the update: %s; look at the key (dns.key_name) and what it may change",
			u.server, dns.RcodeToString[a.Rcode])
	}
	return a, nil
}

func (u *update) exchange(ctx context.Context, m *dns.Msg) (*dns.Msg, error) {
	if u.keyName != "" {
		m.SetTsig(u.keyName, u.keyKind, 300, time.Now().Unix())
	}
	a, _, err := u.client.ExchangeContext(ctx, m, u.server)
	if err != nil {
		return nil, fmt.Errorf("DNS server %s: %w", u.server, err)
	}
	return a, nil
}
