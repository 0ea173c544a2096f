package e2e

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// owner is the owner's browser at a platform that runs as a process.
type owner struct {
	t      *testing.T
	origin string
	client *http.Client
}

// platform starts `serve` with the doors that devices need and signs its owner in.
func platform(t *testing.T, args ...string) (*server, *owner) {
	t.Helper()
	data := t.TempDir()
	s := startBinary(t, "", append([]string{"serve", "--data", data, "--https", "127.0.0.1:0", "--mqtts", "127.0.0.1:0", "--mqtt", "off", "--http", "off"}, args...)...)
	const password = "tansu-mizuumi-42"
	name, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	admin := exec.Command(name, "admin", "account", "create", "--email", "owner@example.org", "--password-stdin", "--data", data)
	admin.Stdin = strings.NewReader(password + "\n")
	if out, err := admin.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	pem, err := os.ReadFile(filepath.Join(data, "ca", "ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(s.printed(), "https://")
	origin, _, _ := strings.Cut(rest, "/")
	o := &owner{t, "https://" + origin, &http.Client{Jar: jar, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}}
	if status := o.api("POST", "/session", map[string]string{"email": "owner@example.org", "password": password}, nil); status >= 300 {
		t.Fatalf("sign-in: %d\n%s", status, s.printed())
	}
	return s, o
}

// api calls the panel's API.
func (o *owner) api(method, path string, in, out any) int {
	o.t.Helper()
	raw, err := json.Marshal(in)
	if err != nil {
		o.t.Fatal(err)
	}
	r, err := http.NewRequest(method, o.origin+"/api/v1"+path, bytes.NewReader(raw))
	if err != nil {
		o.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := o.client.Do(r)
	if err != nil {
		o.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		o.t.Fatal(err)
	}
	if out != nil {
		_ = json.Unmarshal(text, out) // a refusal has another form
	}
	if answer.StatusCode >= 400 {
		o.t.Logf("%s %s: %s", method, path, text)
	}
	return answer.StatusCode
}

// TestUpdate puts other versions on a device that is a process of its own: one that hangs and one that ends are taken back,
// one that works stays, one that nobody signed and one that is older are refused.
func TestUpdate(t *testing.T) {
	name, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	shelf, home := t.TempDir(), t.TempDir()
	key := filepath.Join(t.TempDir(), "key")
	run := func(args ...string) string {
		t.Helper()
		out, err := exec.Command(name, args...).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	target := "linux-amd64"
	run("release", "key", key)
	sign := func(version, script string) {
		t.Helper()
		program := filepath.Join(t.TempDir(), "program")
		if err := os.WriteFile(program, []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		run("release", "sign", "--key", key, "--version", version, "--target", target, program, shelf)
	}
	sign("0", "exit 0") // so that the key is known

	p, o := platform(t, "--updates", shelf)
	var in struct{ ID string }
	o.api("POST", "/instances", map[string]string{"name": "home"}, &in)
	var code struct{ Command string }
	o.api("POST", "/devices/codes", map[string]string{"name": "pi", "instance": in.ID}, &code)
	program := filepath.Join(home, "tsunagi")
	if out, err := exec.Command("cp", name, program).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	pi := startProgram(t, program, "", append(strings.Fields(code.Command)[1:], "--data", filepath.Join(home, "data"), "--listen", "127.0.0.1:0", "--update-wait", "15s")...)

	var figures struct {
		Version, Target, Release, Failed, Update string
		StartedAt                                time.Time `json:"started_at"`
	}
	var list struct {
		Items []struct {
			ID     string
			Online bool
		}
	}
	await := func(what string, ok func() bool) {
		t.Helper()
		for deadline := time.Now().Add(90 * time.Second); ; time.Sleep(50 * time.Millisecond) {
			o.api("GET", "/devices", nil, &list)
			if len(list.Items) == 1 && list.Items[0].Online {
				figures.Failed, figures.Release = "", ""
				if o.api("GET", "/devices/"+list.Items[0].ID+"/figures", nil, &figures) == 200 && ok() {
					return
				}
			}
			if time.Now().After(deadline) {
				t.Fatalf("waited in vain for %s: %+v\ndevice: %s\nplatform: %s", what, figures, pi.printed(), p.printed())
			}
		}
	}
	await("the device", func() bool { return true })
	if figures.Target != target {
		t.Skipf("this test knows %s, and this is %s", target, figures.Target)
	}
	if figures.Update != "" || figures.Release != "0" {
		t.Fatalf("figures: %+v", figures)
	}
	at, before := "/devices/"+list.Items[0].ID, figures.StartedAt
	same := func() bool {
		a, err := os.ReadFile(program)
		b, err2 := os.ReadFile(name)
		return err == nil && err2 == nil && bytes.Equal(a, b)
	}
	update := func(version, script string, want int) {
		t.Helper()
		sign(version, script)
		if status := o.api("POST", at+"/update", nil, nil); status != want {
			t.Fatalf("update to %s: %d, want %d\n%s", version, status, want, pi.printed())
		}
	}

	update("ends", "exit 7", 204)
	await("an update that ends to be taken back", func() bool {
		return strings.Contains(figures.Failed, "version ends") && figures.StartedAt.After(before)
	})
	update("hangs", "exec sleep 1000", 204)
	await("an update that hangs to be taken back", func() bool { return strings.Contains(figures.Failed, "version hangs") })
	if _, err := os.Stat(program + ".new"); !same() || !os.IsNotExist(err) {
		t.Errorf("something of the failed updates is left: %v", err)
	}

	// A program that was changed on the way, or that another signed, is refused before anything ends.
	tampered := filepath.Join(shelf, target)
	sign("tampered", "exit 0")
	if err := os.WriteFile(tampered, []byte("#!/bin/sh\nexit 1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if status := o.api("POST", at+"/update", nil, nil); status != http.StatusConflict {
		t.Errorf("a changed program: %d", status)
	}
	other := filepath.Join(t.TempDir(), "key")
	run("release", "key", other)
	os.Remove(filepath.Join(shelf, "key.pub"))
	run("release", "sign", "--key", other, "--version", "theirs", "--target", target, name, shelf)
	if status := o.api("POST", at+"/update", nil, nil); status != http.StatusConflict {
		t.Errorf("a program that another signed: %d", status)
	}
	os.Remove(filepath.Join(shelf, "key.pub"))

	update("works", "exec "+name+` "$@"`, 204)
	await("the update", func() bool { return !same() && figures.Failed == "" })
	if old, err := os.Stat(program + ".old"); err != nil || old.Size() < 1<<20 {
		t.Errorf("the version before: %v", err)
	}
	if text := pi.printed(); strings.Contains(text, "panic") {
		t.Error(text)
	}
}
