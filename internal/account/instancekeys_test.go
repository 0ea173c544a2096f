package account_test

import (
	"testing"

	"tsunagi/internal/account"
)

func TestInstanceKey(t *testing.T) {
	w := newWorld(t)
	in, _, err := w.CreateInstance(w.ctx, w.owner, account.NewInstance{Name: "x"})
	if err != nil {
		t.Fatal(err)
	}
	key, err := w.RevealInstanceKey(w.ctx, w.owner, in.ID, account.Proof{Password: password})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.RevealInstanceKey(w.ctx, w.owner, in.ID, account.Proof{Password: "another password"}); err == nil {
		t.Error("shown without the password")
	}
	by, of, err := w.ByInstanceKey(w.ctx, key, "192.0.2.9", "")
	if err != nil || of.ID != in.ID || by.Only != in.ID || by.Via != "token" || by.Account.ID != in.Owner {
		t.Errorf("actor %+v of %s, %v", by, of.ID, err)
	}
	if _, _, err := w.CreateInstance(w.ctx, by, account.NewInstance{Name: "y"}); err == nil {
		t.Error("the key of one instance has made another")
	}
	next, err := w.RotateInstanceKey(w.ctx, w.owner, in.ID)
	if err != nil || next == key {
		t.Fatalf("rotated: %v", err)
	}
	for range 2 {
		next, err = w.RotateInstanceKey(w.ctx, w.owner, in.ID)
	}
	if again, _ := w.RevealInstanceKey(w.ctx, w.owner, in.ID, account.Proof{Password: password}); err != nil || again != next {
		t.Errorf("shown again %q, want %q, %v", again, next, err)
	}
	for _, wrong := range []string{key, next + "x", next[:len(next)-1], "", "tsk_", "tsk_" + in.ID + "_"} {
		if by, _, err := w.ByInstanceKey(w.ctx, wrong, "192.0.2.9", ""); err == nil || by.Account.ID != "" {
			t.Errorf("key %q: %v", wrong, err)
		}
	}
	for range 40 {
		_, _, err = w.ByInstanceKey(w.ctx, key, "192.0.2.9", "")
	}
	wantCode(t, err, account.RateLimited)
}

func TestChangePlan(t *testing.T) {
	w := newWorld(t)
	in, _, err := w.CreateInstance(w.ctx, w.owner, account.NewInstance{Name: "x"})
	if err != nil {
		t.Fatal(err)
	}
	if in, err = w.ChangePlan(w.ctx, w.owner, in.ID, "big"); err != nil || in.Plan != "big" {
		t.Fatalf("%+v, %v", in, err)
	}
	if news := w.news[len(w.news)-1]; !news.Plan || news.Instance != in.ID {
		t.Errorf("news %+v", news)
	}
	other, _, err := w.CreateInstance(w.ctx, w.owner, account.NewInstance{Name: "y"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.ChangePlan(w.ctx, w.owner, other.ID, "big") // which has room for one
	wantCode(t, err, account.Limit)
	for _, name := range []string{"a", "b", "c"} {
		if _, _, err := w.CreateUser(w.ctx, w.owner, in.ID, account.NewUser{Name: name}); err != nil {
			t.Fatal(err)
		}
	}
	_, err = w.ChangePlan(w.ctx, w.owner, in.ID, "free") // which has room for three users
	wantCode(t, err, account.Limit)
	_, err = w.ChangePlan(w.ctx, w.owner, in.ID, "huge")
	wantCode(t, err, account.Invalid)
}
