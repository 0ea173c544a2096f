// Package dnstest is a small DNS primary for tests: one zone, dynamic updates signed by TSIG, every name at 127.0.0.1.
package dnstest

import (
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"
)

// The key of updates.
const (
	KeyName = "update-key"
	Key     = "c2VjcmV0IG9mIHRoZSB0ZXN0cywgMzIgYnl0ZXMgbG8="
)

// Server is the primary of one zone.
type Server struct {
	Addr string // host:port, TCP
	zone string

	mu  sync.Mutex
	txt map[string][]string
	was map[string]bool // names that ever had a record
}

// New serves a zone until the test ends.
func New(t testing.TB, zone string) *Server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{Addr: l.Addr().String(), zone: dns.Fqdn(zone), txt: map[string][]string{}, was: map[string]bool{}}
	ready := make(chan struct{})
	d := &dns.Server{Listener: l, Handler: dns.HandlerFunc(s.serve), TsigSecret: map[string]string{KeyName + ".": Key}, NotifyStartedFunc: func() { close(ready) },
		MsgAcceptFunc: func(dns.Header) dns.MsgAcceptAction { return dns.MsgAccept }}
	go func() { _ = d.ActivateAndServe() }() // ends with Shutdown
	<-ready
	t.Cleanup(func() { _ = d.Shutdown() })
	return s
}

// TXT are the records of a name.
func (s *Server) TXT(name string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.txt[dns.Fqdn(name)])
}

// Had says whether a name ever had a record.
func (s *Server) Had(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.was[dns.Fqdn(name)]
}

// Put sets the records of a name.
func (s *Server) Put(name string, values ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.txt[dns.Fqdn(name)] = values
}

func (s *Server) serve(w dns.ResponseWriter, r *dns.Msg) {
	m := new(dns.Msg)
	m.SetReply(r)
	m.Authoritative = true
	if t := r.IsTsig(); t != nil && w.TsigStatus() == nil {
		m.SetTsig(t.Hdr.Name, t.Algorithm, 300, int64(t.TimeSigned))
	}
	s.mu.Lock()
	if r.Opcode == dns.OpcodeUpdate {
		m.Rcode = s.update(w, r)
	} else {
		s.answer(m, r)
	}
	s.mu.Unlock()
	_ = w.WriteMsg(m) // the peer may be gone
}

// update changes TXT records; the caller holds mu.
func (s *Server) update(w dns.ResponseWriter, r *dns.Msg) int {
	if r.IsTsig() == nil || w.TsigStatus() != nil {
		return dns.RcodeNotAuth
	}
	if len(r.Question) != 1 || r.Question[0].Name != s.zone {
		return dns.RcodeNotZone
	}
	for _, rr := range r.Ns {
		txt, ok := rr.(*dns.TXT)
		if !ok || !strings.HasSuffix(txt.Hdr.Name, "."+s.zone) {
			return dns.RcodeNotZone
		}
		value := strings.Join(txt.Txt, "")
		list := slices.DeleteFunc(s.txt[txt.Hdr.Name], func(v string) bool { return v == value })
		if txt.Hdr.Class != dns.ClassNONE {
			list = append(list, value)
			s.was[txt.Hdr.Name] = true
		}
		s.txt[txt.Hdr.Name] = list
	}
	return dns.RcodeSuccess
}

// answer finds records; the caller holds mu.
func (s *Server) answer(m, r *dns.Msg) {
	for _, q := range r.Question {
		head := dns.RR_Header{Name: q.Name, Rrtype: q.Qtype, Class: dns.ClassINET}
		switch {
		case q.Qtype == dns.TypeSOA && q.Name == s.zone:
			m.Answer = append(m.Answer, &dns.SOA{Hdr: head, Ns: "ns." + s.zone, Mbox: "root." + s.zone, Serial: 1})
		case q.Qtype == dns.TypeA:
			m.Answer = append(m.Answer, &dns.A{Hdr: head, A: net.IPv4(127, 0, 0, 1)})
		case q.Qtype == dns.TypeTXT:
			for _, v := range s.txt[q.Name] {
				m.Answer = append(m.Answer, &dns.TXT{Hdr: head, Txt: []string{v}})
			}
		}
	}
}
