package storetest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"tsunagi/internal/broker"
)

func drop(t *testing.T, e Engine) {
	dir := t.TempDir()
	s := open(t, e, dir)
	for _, instance := range []string{"a", "b"} {
		for i := range 1200 {
			b := full(s, instance, fmt.Sprintf("c%04d", i))
			b.Packets = b.Packets[:1]
			if i%100 > 0 {
				b.Log = nil
			}
			write(t, s, b)
		}
	}
	before, err := state(s, "b")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Drop("a"); err != nil {
		t.Fatalf("Drop: %v", err)
	}
	if err := s.Drop("never there"); err != nil {
		t.Errorf("Drop of an instance without state: %v", err)
	}
	check := func() {
		t.Helper()
		wantState(t, s, "a")
		wantInstances(t, s, "b")
		wantLog(t, s, "a", 1, 0, nil)
		if got := read(t, s, "b", 1); len(got) != 12 {
			t.Errorf("%d records of the other instance, want 12", len(got))
		}
		if after, err := state(s, "b"); err != nil || !slices.Equal(before, after) {
			t.Errorf("the other instance has changed, %v", err)
		}
	}
	check()
	s = reopened(t, e, dir, s)
	check()
	shut(t, s)
}

func dropAndAgain(t *testing.T, e Engine) {
	dir := t.TempDir()
	s := open(t, e, dir)
	logged(t, s, "a", "old 1", "old 2")
	if err := s.Drop("a"); err != nil {
		t.Fatal(err)
	}
	logged(t, s, "a", "new 3")
	write(t, s, &broker.Batch{Sessions: []broker.SessionWrite{{Instance: "a", Client: "c", State: []byte("new")}}})
	check := func() {
		t.Helper()
		wantLog(t, s, "a", 1, 3, []string{"new 3"})
		wantState(t, s, "a", `session ["c" "new"]`)
		err := s.ReadAt("a", []uint64{1, 2, 3}, func(r broker.Record) bool {
			if r.Offset != 3 {
				t.Errorf("a record of the dropped instance can be read: %q", r.Message)
			}
			return true
		})
		if err != nil {
			t.Error(err)
		}
	}
	check()
	s = reopened(t, e, dir, s)
	check()
	if err := s.Trim(3); err != nil {
		t.Fatal(err)
	}
	check()
	s = reopened(t, e, dir, s)
	check()
	if err := s.Drop("a"); err != nil {
		t.Fatal(err)
	}
	wantLog(t, s, "a", 1, 0, nil)
	shut(t, s)
}

// atomic writes a batch of which the last part is refused: nothing of it may be there.
func atomic(t *testing.T, e Engine) {
	s := fresh(t, e)
	write(t, s, full(s, "a", "one"))
	b := full(s, "a", "two")
	b.Log = append(b.Log, broker.Record{Offset: b.Log[0].Offset + 7, Instance: "a"})
	if err := s.Write(b); err == nil {
		t.Fatal("a gap in the offsets was taken")
	}
	wantState(t, s, "a", append([]string{fullRetained("one")}, fullState("one")...)...)
	wantLog(t, s, "a", 1, 1, []string{"logged for one"})
	write(t, s, full(s, "a", "three"))
	wantLog(t, s, "a", 1, 1, []string{"logged for one", "logged for three"})
}

// together has readers beside a writer and trimming; every reader sees an unbroken row of offsets.
func together(t *testing.T, e Engine) {
	s := fresh(t, e)
	const batches, size = 150, 40
	done := make(chan struct{})
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			for last := uint64(0); ; {
				stopped := false
				select {
				case <-done:
					stopped = true
				default:
				}
				err := s.ReadLog("a", last+1, func(r broker.Record) bool {
					if last > 0 && r.Offset != last+1 || string(r.Message) != fmt.Sprintf("message %d", r.Offset) {
						t.Errorf("record %d, %q, follows %d", r.Offset, r.Message, last)
						return false
					}
					last = r.Offset
					return true
				})
				if err != nil {
					t.Errorf("read beside writing: %v", err)
				}
				if stopped || err != nil {
					if last != batches*size && err == nil {
						t.Errorf("the reader ended at %d", last)
					}
					return
				}
			}
		})
	}
	for i := range batches {
		logged(t, s, "a", numbered(i*size+1, (i+1)*size)...)
	}
	close(done)
	all.Wait()
}

func reopen(t *testing.T, e Engine) {
	dir := t.TempDir()
	s := open(t, e, dir)
	big := strings.Repeat("x", 200_000)
	for i := range 5 {
		write(t, s, full(s, "a", fmt.Sprint("client", i)))
		logged(t, s, "b", numbered(1, 700)...)
		write(t, s, &broker.Batch{Retained: []broker.RetainedWrite{{Instance: "b", Topic: fmt.Sprint(i), Message: []byte(big)}}})
	}
	before := remember(t, s)
	for range 3 {
		s = reopened(t, e, dir, s)
		if after := remember(t, s); after != before {
			t.Fatal("reopening changed the store")
		}
	}
	shut(t, s)
}

// remember puts all that the instances a and b have into one text.
func remember(t testing.TB, s Store) string {
	t.Helper()
	text, err := tryRemember(s)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func tryRemember(s Store) (string, error) {
	var all strings.Builder
	instances, err := s.Instances()
	if err != nil {
		return "", err
	}
	fmt.Fprintln(&all, s.NextOffset(), instances)
	for _, instance := range []string{"a", "b"} {
		lines, err := state(s, instance)
		if err != nil {
			return "", err
		}
		fmt.Fprintln(&all, strings.Join(lines, "\n"))
		records, err := tryRead(s, instance, 1)
		if err != nil {
			return "", err
		}
		for _, r := range records {
			fmt.Fprintf(&all, "%d %q %q\n", r.Offset, r.Instance, r.Message)
		}
	}
	return all.String(), nil
}

func second(t *testing.T, e Engine) {
	dir := t.TempDir()
	s := open(t, e, dir)
	defer shut(t, s)
	other, err := e.Open(dir)
	if err == nil {
		shut(t, other)
		t.Fatal("the store was opened twice")
	}
	if !strings.Contains(err.Error(), "in use") || !strings.Contains(err.Error(), dir) {
		t.Errorf("the error doesn't say that %s is in use: %v", dir, err)
	}
	logged(t, s, "a", "still works")
}

func newer(t *testing.T, e Engine) {
	if e.MakeNewer == nil {
		t.Skip("the engine has no versions")
	}
	dir := t.TempDir()
	s := open(t, e, dir)
	logged(t, s, "a", "one")
	shut(t, s)
	if err := e.MakeNewer(dir); err != nil {
		t.Fatal(err)
	}
	s, err := e.Open(dir)
	if err == nil {
		shut(t, s)
		t.Fatal("a store of a newer version was opened")
	}
	if !strings.Contains(err.Error(), "version") {
		t.Errorf("the error doesn't speak of versions: %v", err)
	}
	if isCorrupt(err) {
		t.Errorf("a newer version is taken for damage: %v", err)
	}
}
