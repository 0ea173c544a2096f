package account

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"testing"
	"time"
)

func addressNumber(i int) netip.Addr {
	var a [4]byte
	binary.BigEndian.PutUint32(a[:], 0xcb007100+uint32(i)) //nolint:gosec // G115: a small number of a test
	return netip.AddrFrom4(a)
}

// TestTalliesAreBounded wants room for whoever comes next, and first that of those whose time is over.
func TestTalliesAreBounded(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	ts, g := newTallies(), DefaultGuard("i")
	add := func(i int, at time.Time) {
		if ts.add(placeKey{"i", addressNumber(i)}, g, Credentials{User: "u"}, 1, at) != nil {
			t.Fatal("one wrong login is too many")
		}
	}
	for i := range maxTallies {
		add(i, now.Add(time.Duration(i%2)*maxBanWindow*time.Second))
	}
	late := now.Add((maxBanWindow + 1) * time.Second)
	add(maxTallies, late)
	if got := len(ts.all); got != maxTallies/2+1 {
		t.Errorf("%d tallies after those whose time is over went", got)
	}
	for i := range maxTallies/2 + 10 {
		add(maxTallies+1+i, late)
	}
	if got := len(ts.all); got != maxTallies {
		t.Errorf("%d tallies, want %d", got, maxTallies)
	}
}

// TestBansAreBounded wants the ban that ends first to go where an instance has too many, and none to be made where all
// have.
func TestBansAreBounded(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	bs := newBans(func() time.Time { return now })
	shut := func(instance string, i int) bool {
		b := &Banned{Automatic: true, Ban: Ban{Instance: instance, Since: now, Until: now.Add(time.Hour + time.Duration(i)*time.Second)}}
		return bs.shutOut(placeKey{instance, addressNumber(i)}, b) != nil
	}
	for i := range maxBans + 1 {
		if !shut("i0", i) {
			t.Fatalf("ban %d isn't made", i)
		}
	}
	if bs.count["i0"] != maxBans || bs.barred(placeKey{"i0", addressNumber(0)}) != nil || bs.barred(placeKey{"i0", addressNumber(1)}) == nil {
		t.Errorf("%d bans; the one that ends first is to go", bs.count["i0"])
	}
	for n := 1; len(bs.all) < maxAllBans; n++ {
		for i := range maxBans {
			shut(fmt.Sprint("i", n), i)
		}
	}
	if shut("another", 0) || len(bs.all) != maxAllBans {
		t.Errorf("one more than all instances may have: %d", len(bs.all))
	}
	bs.drop("i0")
	if bs.count["i0"] != 0 || !shut("another", 0) {
		t.Error("no room after an instance went")
	}
}
