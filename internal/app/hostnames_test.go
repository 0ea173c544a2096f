package app

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"tsunagi/internal/cert/acmetest"
	"tsunagi/internal/dns01/dnstest"
	"tsunagi/internal/mqtt"
)

// hostView is what the API says of a customer's own name.
type hostView struct {
	Name, Record, Points, Text string
	TXTName                    string `json:"txt_name"`
	TXTValue                   string `json:"txt_value"`
	Proven                     bool
	Certificate                struct{ State, Problem string }
}

const customersName = "mqtt.customer.example"

// tenant is an instance with a user of its own beside the first one.
type tenant struct {
	p              *person
	id, at, secret string
}

func (p *person) tenant(name string) tenant {
	p.t.Helper()
	var in struct{ ID string }
	if status := p.api("POST", "/instances", map[string]any{"name": name}, &in); status != 201 {
		p.t.Fatal(status)
	}
	var user struct{ Password string }
	if status := p.api("POST", "/instances/"+in.ID+"/users", map[string]any{"name": "sensor"}, &user); status != 201 {
		p.t.Fatal(status)
	}
	return tenant{p, in.ID, "/instances/" + in.ID + "/host-names", user.Password}
}

func (n tenant) add(name string) (h hostView) {
	n.p.t.Helper()
	if status := n.p.api("POST", n.at, map[string]any{"name": name}, &h); status != 201 {
		n.p.t.Fatalf("add %s: %d", name, status)
	}
	return h
}

func (n tenant) check(want string) (h hostView) {
	n.p.t.Helper()
	if status := n.p.api("POST", n.at+"/"+customersName+"/check", nil, &h); status != 200 || h.Record != want || h.Text == "" {
		n.p.t.Fatalf("check: %d %+v, want %s", status, h, want)
	}
	return h
}

// certificate is how the certificate of the name is.
func (n tenant) certificate() (state, problem string) {
	n.p.t.Helper()
	var list struct{ Items []hostView }
	n.p.api("GET", n.at, nil, &list)
	for _, h := range list.Items {
		return h.Certificate.State, h.Certificate.Problem
	}
	return "", ""
}

// shown are the names that Details offers.
func (n tenant) shown() []string {
	n.p.t.Helper()
	var in struct {
		HostNames []string `json:"host_names"`
	}
	n.p.api("GET", "/instances/"+n.id, nil, &in)
	return in.HostNames
}

// sees says whether a client that trusts roots accepts the door's certificate for the name.
func (w *world) sees(roots *x509.CertPool, name string) bool {
	c, err := tls.Dial("tcp", w.mqtts, &tls.Config{RootCAs: roots, ServerName: name})
	if err == nil {
		c.Close()
	}
	return err == nil
}

// enters says how a CONNECT of the user sensor ends, whose name alone tells no instance.
func (n tenant) enters(roots *x509.CertPool, alpn ...string) mqtt.Reason {
	n.p.t.Helper()
	w, at := n.p.w, n.p.w.mqtts
	if len(alpn) > 0 {
		at = w.https
	}
	c := w.dial(at, &tls.Config{RootCAs: roots, ServerName: customersName, NextProtos: alpn, InsecureSkipVerify: roots == nil}) //nolint:gosec // which instance is meant is asked, not the certificate
	a, err := connect(c, mqtt.Connect{User: []byte("sensor"), Password: []byte(n.secret)})
	if err != nil {
		n.p.t.Fatal(err)
	}
	return a.Reason
}

// TestOwnHostName has a customer's name proven, certified by the public authority, used by every door, taken over by who
// runs its zone now, and removed.
func TestOwnHostName(t *testing.T) {
	for way, args := range map[string][]string{"without records": nil, "with records": {"--dns-provider", "rfc2136", "--dns-key-name", dnstest.KeyName, "--dns-key", dnstest.Key, "--dns-wait", "1s"}} {
		t.Run(way, func(t *testing.T) { ownHostName(t, args) })
	}
}

func ownHostName(t *testing.T, args []string) {
	dns := dnstest.New(t, "example.net")
	args = append(args, "--resolver", dns.Addr)
	if len(args) > 2 {
		args = append(args, "--dns-server", dns.Addr)
	}
	w, a, _ := publicly(t, args...)
	a.Look(portOf(t, w.http), portOf(t, w.https), dns.Addr)
	p := w.signIn("owner@example.org")
	one, two := p.tenant("one"), p.tenant("two")

	h := one.add(customersName)
	if one.enters(nil) != mqtt.BadUserNameOrPassword {
		t.Fatal("a name without proof leads to the instance")
	}
	one.check("missing")
	dns.Put(h.TXTName, h.TXTValue)
	if h = one.check("found"); !h.Proven || h.Points != "here" {
		t.Fatalf("%+v", h)
	}
	eventually(t, w, "a certificate of the customer's name", func() bool { return w.sees(a.Roots, customersName) })
	if got := one.enters(a.Roots); got != mqtt.Success {
		t.Errorf("mqtts: %v", got)
	}
	if got := one.enters(a.Roots, "mqtt"); got != mqtt.Success {
		t.Errorf("https with ALPN: %v", got)
	}
	local := w.pool
	w.pool = a.Roots
	if a, err := connect(w.socket(customersName, "/mqtt", nil), mqtt.Connect{User: []byte("sensor"), Password: []byte(one.secret)}); err != nil || a.Reason != mqtt.Success {
		t.Errorf("wss: %v, %v", a.Reason, err)
	}
	w.pool = local
	if state, _ := one.certificate(); state != "ready" || !slices.Equal(one.shown(), []string{customersName}) {
		t.Errorf("certificate %s, shown %q", state, one.shown())
	}
	if answer, text := p.send("GET", "https://localhost"+p.port()+"/api/v1/status", nil, "Host", customersName); answer.StatusCode != http.StatusMisdirectedRequest {
		t.Errorf("the panel answers below the customer's name: %s %s", answer.Status, text)
	}

	other := two.add(customersName)
	dns.Put(h.TXTName, h.TXTValue, other.TXTValue)
	two.check("taken")
	dns.Put(h.TXTName, other.TXTValue)
	two.check("found")
	if one.enters(a.Roots) != mqtt.BadUserNameOrPassword || two.enters(a.Roots) != mqtt.Success {
		t.Error("the name doesn't lead to whose proof stands")
	}
	if status := p.api("DELETE", two.at+"/"+customersName, nil, nil); status != 204 {
		t.Fatal(status)
	}
	if two.enters(nil) != mqtt.BadUserNameOrPassword || w.sees(a.Roots, customersName) {
		t.Error("a removed name goes on leading to its instance")
	}
}

// TestOwnHostNameRefused wants what the authority says in the panel, and the name to lead to the instance all the same.
func TestOwnHostNameRefused(t *testing.T) {
	dns := dnstest.New(t, "example.net")
	w, a, _ := publicly(t, "--resolver", dns.Addr)
	a.Look(portOf(t, w.http), portOf(t, w.https), dns.Addr)
	refuse := limitOrders(a)
	p := w.signIn("owner@example.org")
	one := p.tenant("one")
	h := one.add(customersName)
	dns.Put(h.TXTName, h.TXTValue)
	one.check("found")
	eventually(t, w, "the refusal in the panel", func() bool {
		state, problem := one.certificate()
		return state == "limited" && strings.Contains(problem, "too many certificates")
	})
	if one.enters(nil) != mqtt.Success || len(one.shown()) != 0 {
		t.Errorf("shown %q", one.shown())
	}
	refuse()
	one.check("found") // has it tried at once
	eventually(t, w, "a certificate once the authority signs again", func() bool { return w.sees(a.Roots, customersName) })
}

// limitOrders has the authority refuse all orders until it is undone.
func limitOrders(a *acmetest.Authority) (undo func()) {
	f := func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/order-plz" {
			return false
		}
		w.Header().Set("Content-Type", "application/problem+json")
		w.Header().Set("Replay-Nonce", "used")
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = io.WriteString(w, `{"type":"urn:ietf:params:acme:error:rateLimited","detail":"too many certificates already issued"}`)
		return true
	}
	a.Instead.Store(&f)
	return func() { a.Instead.Store(nil) }
}

// TestOwnHostNameLocally wants the local authority to sign what its constraints allow, and the panel to say where it can't.
func TestOwnHostNameLocally(t *testing.T) {
	dns := dnstest.New(t, "home.lan")
	w := serveWorld(t, "--resolver", dns.Addr)
	p := w.signIn("owner@example.org")
	for name, want := range map[string]string{"mqtt.home.lan": "ready", customersName: "none"} {
		one := p.tenant(name)
		h := one.add(name)
		dns.Put(h.TXTName, h.TXTValue)
		if status := p.api("POST", one.at+"/"+name+"/check", nil, &h); status != 200 || h.Certificate.State != want || w.sees(w.pool, name) != (want == "ready") {
			t.Errorf("%s: %d %+v, want %s", name, status, h, want)
		}
		if got := len(one.shown()) == 1; got != (want == "ready") {
			t.Errorf("%s: shown %q", name, one.shown())
		}
	}
}
