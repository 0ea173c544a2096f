package app

import (
	"net"
	"testing"

	"tsunagi/internal/config"
)

func TestReach(t *testing.T) {
	listen := func(addr string) net.Listener {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		return l
	}
	here := listen("127.0.0.1:0")
	_, port, _ := net.SplitHostPort(here.Addr().String())
	for _, tt := range []struct {
		domain string
		names  []string
		want   string
	}{
		{"mqtt.example.org", nil, "https://mqtt.example.org:" + port},
		{"localhost", []string{"127.0.0.1", "*.lan", "pi.lan"}, "https://pi.lan:" + port},
		{"localhost", []string{"192.0.2.7"}, "https://192.0.2.7:" + port},
		{"localhost", nil, ""},
		{"home.localhost", []string{"::1"}, ""},
	} {
		c := &cloud{cfg: &config.Serve{Domain: tt.domain, Names: tt.names}, doors: doors{https: here}}
		if got := c.reach(); got != tt.want {
			t.Errorf("%s %v: %q, want %q", tt.domain, tt.names, got, tt.want)
		}
	}
	if got := originOf("2001:db8::1", "443"); got != "https://[2001:db8::1]" {
		t.Error(got)
	}
	address := func(cidr string) net.Addr {
		ip, n, err := net.ParseCIDR(cidr)
		if err != nil {
			t.Fatal(err)
		}
		n.IP = ip
		return n
	}
	all := []net.Addr{address("127.0.0.1/8"), address("fe80::1/64"), address("2001:db8::7/64"), address("203.0.113.7/24"), address("192.168.1.5/24")}
	for n, want := range map[int]string{5: "192.168.1.5", 4: "203.0.113.7", 3: "2001:db8::7", 2: ""} {
		if got := inLAN(all[:n]); got != want {
			t.Errorf("of the first %d: %q, want %q", n, got, want)
		}
	}
}
