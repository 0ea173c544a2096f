package storetest

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"tsunagi/internal/broker"
)

func logOffsets(t *testing.T, e Engine) {
	s := fresh(t, e)
	if next := s.NextOffset(); next != 1 {
		t.Fatalf("the first offset is %d, want 1", next)
	}
	var want []string
	for _, n := range []int{1, 3, 1, 500, 2} {
		batch := numbered(len(want)+1, len(want)+n)
		logged(t, s, "a", batch...)
		want = append(want, batch...)
		if next := s.NextOffset(); next != uint64(len(want))+1 {
			t.Fatalf("next offset is %d after %d records", next, len(want))
		}
	}
	wantLog(t, s, "a", 0, 1, want)
	wantLog(t, s, "a", 1, 1, want)
	write(t, s, &broker.Batch{})
	if next := s.NextOffset(); next != uint64(len(want))+1 {
		t.Errorf("an empty batch moved the next offset to %d", next)
	}
}

func logMidBlock(t *testing.T, e Engine) {
	s := fresh(t, e)
	want := numbered(1, 3000)
	logged(t, s, "a", want[:100]...)
	logged(t, s, "a", want[100:]...)
	for _, from := range []int{2, 50, 100, 101, 102, 1500, 3000} {
		wantLog(t, s, "a", uint64(from), uint64(from), want[from-1:])
	}
	wantLog(t, s, "a", 3001, 0, nil)
	wantLog(t, s, "a", 9999, 0, nil)
	count := 0
	err := s.ReadLog("a", 10, func(broker.Record) bool { count++; return count < 5 })
	if err != nil || count != 5 {
		t.Errorf("yield was called %d times, %v; it said stop at 5", count, err)
	}
}

func logOutOfOrder(t *testing.T, e Engine) {
	s := fresh(t, e)
	logged(t, s, "a", "one")
	for name, offsets := range map[string][]uint64{
		"used": {1}, "gap": {3}, "zero": {0}, "gap inside": {2, 4}, "twice": {2, 2}, "backwards": {3, 2},
	} {
		b := &broker.Batch{Retained: []broker.RetainedWrite{{Instance: "a", Topic: "t", Message: []byte("x")}}}
		for _, o := range offsets {
			b.Log = append(b.Log, broker.Record{Offset: o, Instance: "a", Message: []byte("x")})
		}
		if err := s.Write(b); err == nil {
			t.Errorf("%s: offsets %v were taken", name, offsets)
		}
	}
	if err := s.Write(&broker.Batch{Log: []broker.Record{{Offset: 2, Message: []byte("x")}}}); err == nil {
		t.Error("a record without instance was taken")
	}
	wantState(t, s, "a")
	logged(t, s, "a", "two")
	wantLog(t, s, "a", 1, 1, []string{"one", "two"})
}

func logInstances(t *testing.T, e Engine) {
	s := fresh(t, e)
	want := map[string][]broker.Record{}
	for i := range 60 {
		var batch []broker.Record
		for j := range 20 {
			r := broker.Record{
				Offset: s.NextOffset() + uint64(j), Instance: fmt.Sprintf("i%d", (i*j+j/3)%40),
				Message: fmt.Append(nil, "m ", i, " ", j),
			}
			batch = append(batch, r)
			want[r.Instance] = append(want[r.Instance], r)
		}
		write(t, s, &broker.Batch{Log: batch})
	}
	for instance, records := range want {
		got := read(t, s, instance, 1)
		if len(got) != len(records) {
			t.Fatalf("%d records of %q, want %d", len(got), instance, len(records))
		}
		for i := range got {
			if got[i].Offset != records[i].Offset || !bytes.Equal(got[i].Message, records[i].Message) {
				t.Fatalf("record %d of %q is %d %q", i, instance, got[i].Offset, got[i].Message)
			}
		}
	}
	if got := read(t, s, "nobody", 1); len(got) > 0 {
		t.Errorf("an instance without records reads %d", len(got))
	}
	if got := read(t, s, "", 1); len(got) > 0 {
		t.Errorf("no instance reads %d", len(got))
	}
}

func logSizes(t *testing.T, e Engine) {
	s := fresh(t, e)
	want := []string{"", "x", strings.Repeat("y", 70_000), "", strings.Repeat("z", 3<<20), strings.Repeat("w", 65_536), "end"}
	logged(t, s, "a", want...)
	logged(t, s, "a", "after")
	wantLog(t, s, "a", 1, 1, append(want, "after"))
	for i, w := range append(want, "after") {
		wantLog(t, s, "a", uint64(i+1), uint64(i+1), append(append([]string{}, want...), "after")[i:])
		_ = w
	}
}

func readAt(t *testing.T, e Engine) {
	s := fresh(t, e)
	logged(t, s, "a", numbered(1, 10)...)
	logged(t, s, "b", numbered(11, 20)...)
	logged(t, s, "a", numbered(21, 3000)...)
	tests := []struct {
		name     string
		instance string
		offsets  []uint64
		want     []uint64
	}{
		{"none", "a", nil, nil},
		{"one", "a", []uint64{5}, []uint64{5}},
		{"across blocks", "a", []uint64{1, 10, 21, 22, 2999, 3000}, []uint64{1, 10, 21, 22, 2999, 3000}},
		{"of others", "a", []uint64{9, 11, 12, 22}, []uint64{9, 22}},
		{"only of others", "b", []uint64{1, 2, 2000}, nil},
		{"beyond the end", "a", []uint64{3000, 3001, 9999}, []uint64{3000}},
		{"offset 0", "a", []uint64{0, 1}, []uint64{1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []uint64
			err := s.ReadAt(tt.instance, tt.offsets, func(r broker.Record) bool {
				got = append(got, r.Offset)
				if want := fmt.Sprintf("message %d", r.Offset); string(r.Message) != want || r.Instance != tt.instance {
					t.Errorf("record %d is %q of %q", r.Offset, r.Message, r.Instance)
				}
				return true
			})
			if err != nil || fmt.Sprint(got) != fmt.Sprint(tt.want) {
				t.Errorf("ReadAt(%v) gave %v, %v, want %v", tt.offsets, got, err, tt.want)
			}
		})
	}
	count := 0
	err := s.ReadAt("a", []uint64{1, 2, 3, 4}, func(broker.Record) bool { count++; return count < 2 })
	if err != nil || count != 2 {
		t.Errorf("yield was called %d times, %v; it said stop at 2", count, err)
	}
}

// trimKeepsBlock is the case that deleting by offset gets wrong: the tail of a block that a reader still needs.
func trimKeepsBlock(t *testing.T, e Engine) {
	for _, below := range []uint64{1, 2, 10, 11, 15, 20, 21, 30, 31, 999} {
		s := fresh(t, e)
		want := numbered(1, 30)
		for i := 0; i < 30; i += 10 {
			logged(t, s, "a", want[i:i+10]...)
		}
		if err := s.Trim(below); err != nil {
			t.Fatalf("Trim(%d): %v", below, err)
		}
		below = min(below, 31)
		wantLog(t, s, "a", below, below, want[below-1:])
		got := read(t, s, "a", 1) // what is left is a part without gaps
		if n := len(got); n > 0 && (got[n-1].Offset != 30 || got[0].Offset > below) {
			t.Errorf("after Trim(%d) offsets %d to %d are left", below, got[0].Offset, got[n-1].Offset)
		}
		logged(t, s, "a", "message 31")
		wantLog(t, s, "a", min(below, 31), min(below, 31), numbered(int(min(below, 31)), 31))
	}
}

func trimUnderReader(t *testing.T, e Engine) {
	s := fresh(t, e)
	big := strings.Repeat("x", 40_000) // a step of any reader holds a few of these at most
	var want []string
	for i := range 200 {
		want = append(want, fmt.Sprint(i, big))
		logged(t, s, "a", want[i])
	}
	var got []broker.Record
	err := s.ReadLog("a", 7, func(r broker.Record) bool {
		got = append(got, r)
		if err := s.Trim(r.Offset); err != nil { // what has been read may go
			t.Fatalf("Trim(%d): %v", r.Offset, err)
		}
		return true
	})
	if err != nil || len(got) != 194 || got[0].Offset != 7 {
		t.Fatalf("%d records, %v", len(got), err)
	}
	for i, r := range got {
		if r.Offset != uint64(7+i) || string(r.Message) != want[6+i] {
			t.Fatalf("record %d has offset %d", i, r.Offset)
		}
	}
	// A reader that is overtaken by Trim goes on with what is left and doesn't take that for damage.
	last := uint64(0)
	err = s.ReadLog("a", 1, func(r broker.Record) bool {
		if last != 0 && r.Offset <= last {
			t.Fatalf("offset %d after %d", r.Offset, last)
		}
		last = r.Offset
		logged(t, s, "a", "more")
		if err := s.Trim(s.NextOffset()); err != nil {
			t.Fatal(err)
		}
		return s.NextOffset() < 300
	})
	if err != nil {
		t.Errorf("an overtaken reader: %v", err)
	}
}

func trimFar(t *testing.T, e Engine) {
	dir := t.TempDir()
	s := open(t, e, dir)
	for i := range 400 {
		logged(t, s, "a", numbered(i*3+1, i*3+3)...)
	}
	for range 1000 { // it may take more than one call
		if err := s.Trim(1200); err != nil {
			t.Fatal(err)
		}
		if len(read(t, s, "a", 1)) <= 3 {
			break
		}
	}
	if left := read(t, s, "a", 1); len(left) < 1 || len(left) > 3 {
		t.Errorf("%d records are left, want those of the last block", len(left))
	}
	s = reopened(t, e, dir, s)
	defer func() { shut(t, s) }()
	if next := s.NextOffset(); next != 1201 {
		t.Errorf("next offset is %d after trim and reopening, want 1201", next)
	}
	wantLog(t, s, "a", 1200, 1200, numbered(1200, 1200))
	logged(t, s, "a", "message 1201")
	wantLog(t, s, "a", 1200, 1200, numbered(1200, 1201))
}
