package home

import (
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"

	"github.com/hashicorp/mdns"
	"github.com/miekg/dns"
)

// Service is something that programs in the home's network may look for by mDNS (RFC 6763).
type Service struct {
	Type string // such as _mqtt._tcp
	Port int
	Text []string // key=value
}

// Announce answers mDNS questions for services until stop is called. An address of the machine that changes is
// answered as it is then.
func Announce(services []Service, log *slog.Logger) (stop func() error, err error) {
	host, err := os.Hostname()
	if err != nil {
		return nil, err
	}
	host, _, _ = strings.Cut(host, ".")
	s, err := mdns.NewServer(&mdns.Config{Zone: zone{host, services}, Logger: slog.NewLogLogger(log.Handler(), slog.LevelDebug)})
	if err != nil {
		return nil, fmt.Errorf("announce by mDNS: %w", err)
	}
	return s.Shutdown, nil
}

// zone has the records of the services.
type zone struct {
	host     string // of the machine, one label
	services []Service
}

// Records implements mdns.Zone.
func (z zone) Records(q dns.Question) (out []dns.RR) {
	ips := lanAddresses()
	if len(ips) == 0 {
		return nil
	}
	for _, s := range z.services {
		m, err := mdns.NewMDNSService("Tsunagi on "+z.host, s.Type, "local.", z.host+".local.", s.Port, ips, s.Text)
		if err == nil { // else the machine has a name that DNS doesn't know: it isn't found
			out = append(out, m.Records(q)...)
		}
	}
	return out
}

// lanAddresses are those by which neighbours reach this machine.
func lanAddresses() (out []net.IP) {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok && !n.IP.IsLoopback() && (n.IP.IsPrivate() || n.IP.IsLinkLocalUnicast()) {
			out = append(out, n.IP)
		}
	}
	return out
}
