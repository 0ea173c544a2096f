package account

import "testing"

// TestLoginRows: a row is known until anything changes, and what was read before a change is not kept after it.
func TestLoginRows(t *testing.T) {
	var k loginRows
	row := loginRow{Instance{ID: "abcdefgh"}, User{Instance: "abcdefgh", Name: "u"}}
	_, ok, version := k.get("abcdefgh", "u")
	if ok {
		t.Error("a row before any was put")
	}
	k.put(row, version)
	if got, ok, _ := k.get("abcdefgh", "u"); !ok || got.user.Name != "u" {
		t.Errorf("got %+v, %v", got, ok)
	}
	if _, ok, _ := k.get("abcdefgh", "other"); ok {
		t.Error("another user's row")
	}
	_, _, before := k.get("abcdefgh", "u")
	k.forget()
	if _, ok, _ := k.get("abcdefgh", "u"); ok {
		t.Error("a row from before a change")
	}
	k.put(row, before)
	if _, ok, _ := k.get("abcdefgh", "u"); ok {
		t.Error("what was read before a change is kept after it")
	}
	_, _, version = k.get("abcdefgh", "u")
	for i := range loginRowsMax + 10 {
		row.user.Name = string(rune('a'+i%26)) + string(rune(0x4e00+i))
		k.put(row, version)
	}
	if len(k.rows) > loginRowsMax {
		t.Errorf("%d rows are kept, want at most %d", len(k.rows), loginRowsMax)
	}
}
