package app

import (
	"io"
	"log/slog"
	"strings"
	"testing"

	"tsunagi/internal/account"
	"tsunagi/internal/config"
)

// TestUsersForFlows: a flow server gets users of its own on its owner's instances, with the rules that were asked for and
// none besides; nothing is left of one that can't be made, and no instance of another owner is touched.
func TestUsersForFlows(t *testing.T) {
	var cfg config.Serve
	args := []string{"--data", t.TempDir(), "--https", "127.0.0.1:0", "--mqtts", "127.0.0.1:0", "--mqtt", "", "--http", "", "--store-reserve-mb", "1"}
	if code, done := settingsOf("serve", "", &cfg, args, Streams{In: strings.NewReader(""), Out: io.Discard, Err: t.Output()}); done {
		t.Fatal(code)
	}
	base, err := newCore(t.Context(), reserve(cfg.Data, cfg.Store.ReserveMB), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	c := &cloud{core: base, cfg: &cfg}
	t.Cleanup(func() { c.doors.close(); c.store.Close() })
	if err := c.build(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, admin := t.Context(), account.AdminActor()
	owner, _, err := c.accounts.CreateAccount(ctx, admin, "anna@example.org", "", account.RoleOwner, "")
	if err != nil {
		t.Fatal(err)
	}
	by := account.Actor{Account: owner, Via: "panel"}
	mine, _, err := c.accounts.CreateInstance(ctx, by, account.NewInstance{Name: "mine"})
	if err != nil {
		t.Fatal(err)
	}
	f, err := c.accounts.CreateFlowServer(ctx, by, "home")
	if err != nil {
		t.Fatal(err)
	}
	if list, err := c.flowInstances(ctx, f.ID); err != nil || len(list) != 1 || list[0].ID != mine.ID || list[0].Name != "mine" {
		t.Errorf("instances %v, %v", list, err)
	}
	first, err := c.flowCredential(ctx, f.ID, mine.ID, []string{"house/#", "garden/+/set"})
	if err != nil || first.User != mine.ID+":flow-home" || len(first.Password) < 20 || first.Port == 0 || first.Host != cfg.Domain {
		t.Fatalf("%+v, %v", first, err)
	}
	second, err := c.flowCredential(ctx, f.ID, mine.ID, []string{"#"})
	if err != nil || second.User != mine.ID+":flow-home-2" || second.Password == first.Password {
		t.Errorf("the second one: %+v, %v", second, err)
	}
	rules, err := c.accounts.Rules(ctx, by, mine.ID, "flow-home")
	if err != nil || len(rules) != 2 {
		t.Fatal(rules, err)
	}
	for _, r := range rules {
		if r.User != "flow-home" || r.Effect != account.Allow || r.Access != account.Both || r.Filter != "house/#" && r.Filter != "garden/+/set" {
			t.Errorf("rule %+v", r)
		}
	}
	if made, err := c.flowCredential(ctx, f.ID, mine.ID, []string{"ok", "bad/#/filter"}); err == nil || strings.Contains(err.Error(), "api.") {
		t.Errorf("a filter that is none: %+v, %v", made, err)
	}
	if users, err := c.accounts.Users(ctx, by, account.UserQuery{Instance: mine.ID, Contains: "flow-home"}); err != nil || users.Total != 2 {
		t.Errorf("users afterwards: %+v, %v", users, err)
	}
	other, _, err := c.accounts.CreateAccount(ctx, admin, "ben@example.org", "", account.RoleOwner, "")
	if err != nil {
		t.Fatal(err)
	}
	theirs, _, err := c.accounts.CreateInstance(ctx, account.Actor{Account: other, Via: "panel"}, account.NewInstance{Name: "theirs"})
	if err != nil {
		t.Fatal(err)
	}
	if made, err := c.flowCredential(ctx, f.ID, theirs.ID, []string{"#"}); err == nil {
		t.Errorf("a user on another account's instance: %+v", made)
	}
	if _, err := c.flowCredential(ctx, f.ID, "nosuchid", []string{"#"}); err == nil {
		t.Error("an instance that is not there")
	}
	if _, err := c.flowCredential(ctx, "nosuch", mine.ID, []string{"#"}); err == nil {
		t.Error("a flow server that is not there")
	}
}
