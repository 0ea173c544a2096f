package account_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"tsunagi/internal/account"
)

// TestNoLoginOutlivesItsUser logs in again and again while the user is shut out: whatever login was given, it holds no
// more once the change has returned.
func TestNoLoginOutlivesItsUser(t *testing.T) {
	w := newWorld(t)
	in, _ := w.instance(w.owner)
	for round := range 10 {
		name := fmt.Sprint("u", round)
		_, secret, err := w.CreateUser(w.ctx, w.owner, in.ID, account.NewUser{Name: name, Connect: true})
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		var stop atomic.Bool
		logins := make([][]*account.Login, 4)
		for i := range logins {
			wg.Go(func() {
				for !stop.Load() {
					if l, err := w.login(in.ID, name, secret); err == nil {
						logins[i] = append(logins[i], l)
					}
				}
			})
		}
		for { // until at least one is in
			if _, err := w.login(in.ID, name, secret); err == nil {
				break
			}
		}
		if round%2 == 0 {
			err = w.DeleteUser(w.ctx, w.owner, in.ID, name)
		} else {
			_, _, err = w.ChangeUser(w.ctx, w.owner, in.ID, name, account.UserChange{Connect: ptr(false)})
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.login(in.ID, name, secret); err == nil {
			t.Error("a login after the change")
		}
		stop.Store(true)
		wg.Wait()
		for _, list := range logins {
			for _, l := range list {
				if !l.Rights.Revoked() {
					t.Fatal("a login outlives its user")
				}
			}
		}
		w.Directory().ForgetFailures()
		if round%2 == 1 {
			if err := w.DeleteUser(w.ctx, w.owner, in.ID, name); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestLinksAreUsedOnce has many browsers use one link at the same time.
func TestLinksAreUsedOnce(t *testing.T) {
	w := newWorld(t)
	if _, err := w.Invite(w.ctx, w.owner, "m@example.org"); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var made atomic.Int64
	for i := range 8 {
		wg.Go(func() {
			if _, err := w.AcceptInvitation(w.ctx, w.browser(fmt.Sprint("192.0.2.", 10+i)), w.mails["m@example.org"], password, ""); err == nil {
				made.Add(1)
			}
		})
	}
	wg.Wait()
	if made.Load() != 1 {
		t.Errorf("%d accounts from one link", made.Load())
	}
}

// TestPlansHoldUnderRace creates many instances at the same time.
func TestPlansHoldUnderRace(t *testing.T) {
	w := newWorld(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { _, _, _ = w.CreateInstance(w.ctx, w.owner, account.NewInstance{Name: "x"}) })
	}
	wg.Wait()
	if list, err := w.Instances(w.ctx, w.owner); len(list) != 2 || err != nil {
		t.Errorf("%d instances with room for 2, %v", len(list), err)
	}
}
