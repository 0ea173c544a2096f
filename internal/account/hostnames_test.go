package account_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"tsunagi/internal/account"
	"tsunagi/internal/roster"
)

// zone is a DNS in memory.
type zone struct {
	mu        sync.Mutex // guards the fields below
	txt       map[string][]string
	addresses map[string][]string
	down      bool
}

func (z *zone) TXT(_ context.Context, name string) ([]string, error) {
	z.mu.Lock()
	defer z.mu.Unlock()
	if z.down {
		return nil, errors.New("no answer")
	}
	return slices.Clone(z.txt[name]), nil
}

func (z *zone) Addresses(_ context.Context, name string) ([]string, error) {
	z.mu.Lock()
	defer z.mu.Unlock()
	if z.down {
		return nil, errors.New("no answer")
	}
	return slices.Clone(z.addresses[name]), nil
}

func (z *zone) put(name string, values ...string) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.txt[name] = values
}

func (z *zone) set(down bool) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.down = down
}

const (
	ownHost   = "mqtt.example.com"
	ownRecord = "_tsunagi." + ownHost
)

func newHostWorld(t *testing.T) (*world, *zone) {
	z := &zone{txt: map[string][]string{}, addresses: map[string][]string{"example.org": {"192.0.2.80"}}}
	w := newWorld(t)
	w.zone = z
	w.restart()
	return w, z
}

// restart opens the store again, as a start of the program does.
func (w *world) restart() {
	w.wait(time.Second) // ids of the audit come from the time
	w.open()
}

// leads is the instance that a TLS name means.
func (w *world) leads(host string) string {
	instance, _ := w.Directory().Resolve(account.Where{Host: host, User: "sensor"})
	return instance
}

func (w *world) mustAdd(by account.Actor, instance, name string) account.HostName {
	w.t.Helper()
	h, err := w.AddHostName(w.ctx, by, instance, name)
	if err != nil {
		w.t.Fatal(err)
	}
	return h
}

func (w *world) mustCheck(by account.Actor, instance string, want account.HostProof) account.HostNameCheck {
	w.t.Helper()
	c, err := w.CheckHostName(w.ctx, by, instance, ownHost)
	if err != nil || c.Record != want {
		w.t.Fatalf("check: %s, %v; want %s", c.Record, err, want)
	}
	return c
}

func TestHostNameProof(t *testing.T) {
	w, z := newHostWorld(t)
	in, _ := w.instance(w.owner)
	h := w.mustAdd(w.owner, in.ID, " MQTT.Example.COM. ")
	record, value := h.Proof()
	if h.Name != ownHost || record != ownRecord {
		t.Fatalf("%+v, record %s", h, record)
	}
	if got := w.leads(ownHost); got != "" {
		t.Fatalf("a name without proof leads to %q", got)
	}
	w.mustCheck(w.owner, in.ID, account.ProofMissing)
	z.put(ownRecord, "tsunagi=somebody-elses")
	if c := w.mustCheck(w.owner, in.ID, account.ProofOther); len(c.Seen) != 1 {
		t.Errorf("seen %q", c.Seen)
	}
	z.set(true)
	if c := w.mustCheck(w.owner, in.ID, account.ProofUnknown); c.Points != account.PointsUnknown {
		t.Errorf("points %s", c.Points)
	}
	z.set(false)
	z.put(ownRecord, "v=spf1", `"`+value+`"`)
	for want, addresses := range map[account.Pointing][]string{account.PointsNowhere: nil, account.PointsAway: {"203.0.113.1"}, account.PointsHere: {"203.0.113.1", "192.0.2.80"}} {
		z.mu.Lock()
		z.addresses[ownHost] = addresses
		z.mu.Unlock()
		if c := w.mustCheck(w.owner, in.ID, account.ProofFound); c.Points != want || c.ProvenAt.IsZero() {
			t.Errorf("addresses %v: %+v, want %s", addresses, c, want)
		}
	}
	if got := w.leads("MQTT.example.com."); got != in.ID {
		t.Errorf("the proven name leads to %q", got)
	}
	w.restart()
	if got := w.leads(ownHost); got != in.ID {
		t.Errorf("after a start it leads to %q", got)
	}
	if err := w.RemoveHostName(w.ctx, w.owner, in.ID, ownHost); err != nil {
		t.Fatal(err)
	}
	if news := w.lastNews(); w.leads(ownHost) != "" || !news.HostNames || news.Instance != in.ID {
		t.Errorf("a removed name leads to %q; news %+v", w.leads(ownHost), news)
	}
	if again := w.mustAdd(w.owner, in.ID, ownHost); again.Token == h.Token {
		t.Error("the proof of before is good for the name that was added again")
	}
	w.mustCheck(w.owner, in.ID, account.ProofOther)
}

func TestHostNameForms(t *testing.T) {
	w, _ := newHostWorld(t)
	in, _ := w.instance(w.owner)
	for _, bad := range []string{"", "example", "*.example.com", "a..b", "-a.example.com", "a_b.example.com", "192.0.2.1", "a.localhost", "example.org", "x.EXAMPLE.org", "also.example.net",
		"https://a.example", string(make([]byte, 300)) + ".com"} {
		if _, err := w.AddHostName(w.ctx, w.owner, in.ID, bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
	if h := w.mustAdd(w.owner, in.ID, "日本語.example.com"); h.Name != "xn--wgv71a119e.example.com" {
		t.Errorf("name %q", h.Name)
	}
	_, err := w.AddHostName(w.ctx, w.owner, in.ID, "日本語.example.com")
	wantCode(t, err, account.Conflict)
	w.mustAdd(w.owner, in.ID, "a.example.com")
	_, err = w.AddHostName(w.ctx, w.owner, in.ID, "b.example.com")
	wantCode(t, err, account.Limit)
	big, _, err := w.CreateInstance(w.ctx, w.owner, account.NewInstance{Name: "b", Plan: "big"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.AddHostName(w.ctx, w.owner, big.ID, "b.example.com") // its plan has none
	wantCode(t, err, account.Limit)
}

// TestHostNameOfAnother wants nobody to get a name while the proof of who has it stands, and whoever runs its zone now to
// get it once that is gone.
func TestHostNameOfAnother(t *testing.T) {
	w, z := newHostWorld(t)
	mine, _ := w.instance(w.owner)
	member, _ := w.member("member@example.org")
	theirs, _ := w.instance(member)
	_, first := w.mustAdd(w.owner, mine.ID, ownHost).Proof()
	z.put(ownRecord, first)
	w.mustCheck(w.owner, mine.ID, account.ProofFound)

	_, second := w.mustAdd(member, theirs.ID, ownHost).Proof()
	w.mustCheck(member, theirs.ID, account.ProofOther)
	z.put(ownRecord, first, second)
	w.mustCheck(member, theirs.ID, account.ProofTaken)
	if got := w.leads(ownHost); got != mine.ID {
		t.Fatalf("leads to %q while both proofs stand", got)
	}
	z.put(ownRecord, second)
	w.mustCheck(member, theirs.ID, account.ProofFound)
	if got := w.leads(ownHost); got != theirs.ID {
		t.Fatalf("leads to %q, want the one whose proof stands", got)
	}
	if list, err := w.HostNames(w.ctx, w.owner, mine.ID); err != nil || !list[0].ProvenAt.IsZero() {
		t.Errorf("the one before still has it: %+v, %v", list, err)
	}
	_, err := w.CheckHostName(w.ctx, member, mine.ID, ownHost)
	wantCode(t, err, account.NotFound)
	wantCode(t, w.RemoveHostName(w.ctx, member, mine.ID, ownHost), account.NotFound)
	if err := w.DeleteInstance(w.ctx, member, theirs.ID); err != nil {
		t.Fatal(err)
	}
	if got := w.leads(ownHost); got != "" {
		t.Errorf("leads to the deleted instance %q", got)
	}
}

// TestHostNameLapses wants a proof to be looked at every day, a missing one to count for a week, and no answer for nothing.
func TestHostNameLapses(t *testing.T) {
	w, z := newHostWorld(t)
	in, _ := w.instance(w.owner)
	_, value := w.mustAdd(w.owner, in.ID, ownHost).Proof()
	z.put(ownRecord, value)
	w.mustCheck(w.owner, in.ID, account.ProofFound)
	recheck := func(after time.Duration) account.HostName {
		t.Helper()
		w.wait(after)
		if err := w.RecheckHostNames(w.ctx); err != nil {
			t.Fatal(err)
		}
		list, err := w.HostNames(w.ctx, w.owner, in.ID)
		if err != nil {
			t.Fatal(err)
		}
		return list[0]
	}
	day := 24 * time.Hour
	z.put(ownRecord)
	if h := recheck(time.Hour); !h.FailingAt.IsZero() {
		t.Error("looked at after an hour")
	}
	if h := recheck(day); h.FailingAt.IsZero() || !h.LapsesAt().Equal(h.FailingAt.Add(7*day)) {
		t.Errorf("missing, and not noticed: %+v", h)
	}
	z.put(ownRecord, value)
	if h := recheck(day); !h.FailingAt.IsZero() {
		t.Errorf("back, and not noticed: %+v", h)
	}
	z.set(true)
	if h := recheck(30 * day); h.ProvenAt.IsZero() || !h.FailingAt.IsZero() {
		t.Errorf("no answer counts: %+v", h)
	}
	z.set(false)
	z.put(ownRecord)
	recheck(0)
	if h := recheck(6 * day); h.ProvenAt.IsZero() || w.leads(ownHost) != in.ID {
		t.Error("lapsed within a week")
	}
	if h := recheck(day); !h.ProvenAt.IsZero() || w.leads(ownHost) != "" {
		t.Errorf("not lapsed after a week: %+v", h)
	}
	page, err := w.Audit(w.ctx, w.owner, account.AuditQuery{Limit: 1}, false)
	if err != nil || len(page.Entries) != 1 || page.Entries[0].Action != "host_name.lapse" || page.Entries[0].Via != "server" {
		t.Errorf("audit %+v, %v", page, err)
	}
}

// TestHostNamesStayBehind wants a file of an instance to tell its names, and an import to take none over without a word.
func TestHostNamesStayBehind(t *testing.T) {
	w, z := newHostWorld(t)
	in, _ := w.instance(w.owner)
	_, value := w.mustAdd(w.owner, in.ID, ownHost).Proof()
	z.put(ownRecord, value)
	w.mustCheck(w.owner, in.ID, account.ProofFound)
	file, err := w.Export(w.ctx, w.owner, in.ID, account.Proof{Password: password}, false)
	if err != nil || !slices.Equal(file.HostNames, []string{ownHost}) {
		t.Fatalf("names %q, %v", file.HostNames, err)
	}
	to, _ := w.instance(w.owner)
	made, err := w.Restore(w.ctx, w.owner, to.ID, file, nil, false)
	if err != nil || !made.Applied || !slices.ContainsFunc(made.Notes.List, func(r roster.Remark) bool { return r.Key == "api.restore.host_name" }) {
		t.Errorf("%+v, %v", made, err)
	}
	if list, err := w.HostNames(w.ctx, w.owner, to.ID); err != nil || len(list) != 0 || w.leads(ownHost) != in.ID {
		t.Errorf("taken over: %+v, %v", list, err)
	}
}
