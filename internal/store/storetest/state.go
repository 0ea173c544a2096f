package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"tsunagi/internal/broker"
)

func stateRoundTrip(t *testing.T, e Engine) {
	s := fresh(t, e)
	wantState(t, s, "a")
	wantInstances(t, s)
	write(t, s, full(s, "a", "client"))
	wantState(t, s, "a", append([]string{fullRetained("client")}, fullState("client")...)...)
	wantInstances(t, s, "a")
	// Empty is a value, other than nil; names may be any text.
	odd := "日本 \" ' % _ \n \U0010ffff /#+ ;--"
	write(t, s, &broker.Batch{
		Retained:      []broker.RetainedWrite{{Instance: "b", Topic: odd, Message: []byte{}}},
		Sessions:      []broker.SessionWrite{{Instance: "b", Client: odd, State: []byte{}}, {Instance: "b", Client: "", State: []byte{0, 0xff}}},
		Subscriptions: []broker.SubscriptionWrite{{Instance: "b", Client: odd, Filter: odd, State: []byte{}}},
		Cursors:       []broker.CursorWrite{{Instance: "b", Client: odd, State: []byte{}}},
		Packets:       []broker.PacketWrite{{Instance: "b", Client: odd, Dir: broker.Outgoing, ID: 65535, State: []byte{}}},
	})
	wantState(t, s, "b", fmt.Sprintf("retained [%q \"\"]", odd), `session ["" "\x00\xff"]`,
		fmt.Sprintf("session [%q \"\"]", odd), fmt.Sprintf("subscription [%q %q \"\"]", odd, odd),
		fmt.Sprintf("cursor [%q \"\"]", odd), fmt.Sprintf("packet [%q \"2 65535\" \"\"]", odd))
	if err := s.Load("a", broker.Loader{}); err != nil {
		t.Errorf("loading without visitors: %v", err)
	}
}

func stateDeletes(t *testing.T, e Engine) {
	s := fresh(t, e)
	write(t, s, full(s, "a", "client"))
	write(t, s, &broker.Batch{
		Retained:      []broker.RetainedWrite{{Instance: "a", Topic: "t/client"}, {Instance: "a", Topic: "never"}},
		Subscriptions: []broker.SubscriptionWrite{{Instance: "a", Client: "client", Filter: "a/+"}, {Instance: "a", Client: "x", Filter: "y"}},
		Cursors:       []broker.CursorWrite{{Instance: "a", Client: "client"}},
		Packets:       []broker.PacketWrite{{Instance: "a", Client: "client", Dir: broker.Incoming, ID: 7}},
	})
	wantState(t, s, "a", fullState("client")[0], fullState("client")[4])
	write(t, s, &broker.Batch{Sessions: []broker.SessionWrite{{Instance: "a", Client: "client"}, {Instance: "a", Client: "nobody"}}})
	wantState(t, s, "a")
	wantInstances(t, s)
}

func stateLaterWins(t *testing.T, e Engine) {
	s := fresh(t, e)
	write(t, s, full(s, "a", "client"))
	write(t, s, &broker.Batch{
		Retained: []broker.RetainedWrite{
			{Instance: "a", Topic: "t/client", Message: []byte("1")}, {Instance: "a", Topic: "t/client"},
			{Instance: "a", Topic: "t/client", Message: []byte("3")},
		},
		// The session ends and begins anew in one batch: nothing of the old one is left.
		Sessions:      []broker.SessionWrite{{Instance: "a", Client: "client"}, {Instance: "a", Client: "client", State: []byte("new")}},
		Subscriptions: []broker.SubscriptionWrite{{Instance: "a", Client: "client", Filter: "new", State: []byte("1")}, {Instance: "a", Client: "client", Filter: "new", State: []byte("2")}},
		Packets: []broker.PacketWrite{{Instance: "a", Client: "client", Dir: broker.Outgoing, ID: 1, State: []byte("x")},
			{Instance: "a", Client: "client", Dir: broker.Outgoing, ID: 1}},
	})
	wantState(t, s, "a", `retained ["t/client" "3"]`, `session ["client" "new"]`, `subscription ["client" "new" "2"]`)
}

func stateCascades(t *testing.T, e Engine) {
	s := fresh(t, e)
	for _, client := range []string{"one", "two"} {
		write(t, s, full(s, "a", client))
		write(t, s, full(s, "b", client))
	}
	write(t, s, &broker.Batch{Sessions: []broker.SessionWrite{{Instance: "a", Client: "one"}}})
	wantState(t, s, "a", append([]string{fullRetained("one"), fullRetained("two")}, fullState("two")...)...)
	wantState(t, s, "b", slices.Concat([]string{fullRetained("one"), fullRetained("two")}, fullState("one"), fullState("two"))...)
	// A session of the same name has nothing of the old one.
	write(t, s, &broker.Batch{Sessions: []broker.SessionWrite{{Instance: "a", Client: "one", State: []byte("again")}}})
	wantState(t, s, "a", append([]string{fullRetained("one"), fullRetained("two"), `session ["one" "again"]`}, fullState("two")...)...)
}

// stateOrphans: an operation of a session may come in the same batch as its end. Nothing of it may show up in a later
// session of that name.
func stateOrphans(t *testing.T, e Engine) {
	s := fresh(t, e)
	b := full(s, "a", "client")
	b.Sessions[0].State = nil
	write(t, s, b)
	write(t, s, &broker.Batch{Sessions: []broker.SessionWrite{{Instance: "a", Client: "client", State: []byte("new")}}})
	wantState(t, s, "a", fullRetained("client"), `session ["client" "new"]`)
}

// stateMany has more rows of every kind than any page of a reader.
func stateMany(t *testing.T, e Engine) {
	s := fresh(t, e)
	var want []string
	for i := range 3000 {
		want = append(want, fmt.Sprintf(`retained ["t/%04d" "%d"]`, i, i))
	}
	var b broker.Batch
	for i := range 3000 {
		b.Retained = append(b.Retained, broker.RetainedWrite{Instance: "a", Topic: fmt.Sprintf("t/%04d", i), Message: fmt.Append(nil, i)})
	}
	for i := range 1500 {
		c := fmt.Sprintf("c%04d", i)
		b.Sessions = append(b.Sessions, broker.SessionWrite{Instance: "a", Client: c, State: fmt.Append(nil, i)})
		want = append(want, fmt.Sprintf(`session ["%s" "%d"]`, c, i))
		for j := range i % 4 {
			f := fmt.Sprint("f", j)
			b.Subscriptions = append(b.Subscriptions, broker.SubscriptionWrite{Instance: "a", Client: c, Filter: f, State: []byte(f)})
			want = append(want, fmt.Sprintf(`subscription ["%s" "%s" "%s"]`, c, f, f))
		}
		if i%2 == 0 {
			b.Cursors = append(b.Cursors, broker.CursorWrite{Instance: "a", Client: c, State: []byte("c")})
			want = append(want, fmt.Sprintf(`cursor ["%s" "c"]`, c))
		}
		for id := range i % 3 {
			b.Packets = append(b.Packets, broker.PacketWrite{Instance: "a", Client: c, Dir: broker.Outgoing, ID: uint16(id * 300), State: []byte("p")})
			want = append(want, fmt.Sprintf(`packet ["%s" "2 %d" "p"]`, c, id*300))
		}
	}
	one := strings.Repeat("f", 1000) // one session with more subscriptions than a page
	b.Sessions = append(b.Sessions, broker.SessionWrite{Instance: "a", Client: "d", State: []byte("s")})
	want = append(want, `session ["d" "s"]`)
	for i := range 2500 {
		f := fmt.Sprintf("%s%04d", one, i)
		b.Subscriptions = append(b.Subscriptions, broker.SubscriptionWrite{Instance: "a", Client: "d", Filter: f, State: []byte("x")})
		want = append(want, fmt.Sprintf(`subscription ["d" "%s" "x"]`, f))
	}
	write(t, s, &b)
	got, err := state(s, "a")
	if err != nil || len(got) != len(want) {
		t.Fatalf("%d rows, %v, want %d", len(got), err, len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("row %d is %s, want %s", i, got[i], want[i])
		}
	}
}

func stateLoaderError(t *testing.T, e Engine) {
	s := fresh(t, e)
	write(t, s, full(s, "a", "one"))
	stop := errors.New("stop")
	for name, v := range map[string]broker.Loader{
		"retained":     {Retained: func(string, broker.Record) error { return stop }},
		"session":      {Session: func(string, []byte) error { return stop }},
		"subscription": {Subscription: func(string, string, []byte) error { return stop }},
		"cursor":       {Cursor: func(string, []byte) error { return stop }},
		"packet":       {Packet: func(string, broker.Direction, uint16, []byte) error { return stop }},
	} {
		if err := s.Load("a", v); !errors.Is(err, stop) {
			t.Errorf("%s: Load = %v, want the visitor's error", name, err)
		}
	}
}

func stateInstances(t *testing.T, e Engine) {
	s := fresh(t, e)
	write(t, s, full(s, "a", "client"))
	logged(t, s, "logonly", "x") // owed to nobody
	write(t, s, &broker.Batch{Retained: []broker.RetainedWrite{{Instance: "c", Topic: "t", Message: []byte("x")}}})
	write(t, s, &broker.Batch{Sessions: []broker.SessionWrite{{Instance: "b", Client: "x", State: []byte("x")}}})
	write(t, s, &broker.Batch{Sessions: []broker.SessionWrite{{Instance: "", Client: "own", State: []byte("x")}}}) // the process's own
	wantInstances(t, s, "a", "b", "c")
	wantState(t, s, "", `session ["own" "x"]`)
	wantState(t, s, "b", `session ["x" "x"]`)
	wantState(t, s, "c", `retained ["t" "x"]`)
	wantState(t, s, "ab")
	wantState(t, s, "A")
	write(t, s, &broker.Batch{Sessions: []broker.SessionWrite{{Instance: "b", Client: "client"}}})
	wantState(t, s, "a", append([]string{fullRetained("client")}, fullState("client")...)...)
}
