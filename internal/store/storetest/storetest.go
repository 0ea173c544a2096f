// Package storetest judges stores: every engine passes the same suite. Run judges a broker.Store, RunAccounts an
// account.Store. Both use real files in temporary directories, and both kill a child process while it writes; the child
// is the test binary itself, so they must be called from a test function of their own.
package storetest

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"testing"

	"tsunagi/internal/broker"
)

// Store is what an engine opens.
type Store interface {
	broker.Store
	io.Closer
}

// Engine is a kind of broker.Store.
type Engine struct {
	// Open opens or makes a store in a directory, without watermarks on free space.
	Open func(dir string) (Store, error)
	// Files are names of the files in which damage must be noticed after Close.
	Files []string
	// MakeNewer changes a closed store to look as if a newer program had written it.
	MakeNewer func(dir string) error
}

// Run judges an engine.
func Run(t *testing.T, e Engine) {
	if runChild(t, e) {
		return
	}
	for _, test := range []struct {
		name string
		run  func(*testing.T, Engine)
	}{
		{"log offsets are dense and ordered", logOffsets},
		{"log is read from mid-block", logMidBlock},
		{"log refuses offsets out of order", logOutOfOrder},
		{"log keeps instances apart", logInstances},
		{"log takes large and empty messages", logSizes},
		{"single records are read", readAt},
		{"trim stops at the block of the oldest needed offset", trimKeepsBlock},
		{"trim under a reader in mid-block", trimUnderReader},
		{"trim goes far and goes on after reopening", trimFar},
		{"state round trip", stateRoundTrip},
		{"nil deletes", stateDeletes},
		{"later entries win", stateLaterWins},
		{"session delete cascades", stateCascades},
		{"rows without session aren't kept", stateOrphans},
		{"many rows", stateMany},
		{"loader's error ends loading", stateLoaderError},
		{"instances are apart", stateInstances},
		{"drop", drop},
		{"drop of an instance that comes again", dropAndAgain},
		{"failed write changes nothing", atomic},
		{"reading beside writing", together},
		{"reopening keeps everything", reopen},
		{"second process is refused", second},
		{"newer version is refused", newer},
		{"flipped bits are noticed", flippedBits},
		{"torn files are noticed", tornFiles},
		{"kill -9 loses nothing acknowledged", killed},
		{"full disk loses nothing", fullDisk},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, e) })
	}
}

func open(t testing.TB, e Engine, dir string) Store {
	t.Helper()
	s, err := e.Open(dir)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return s
}

// fresh opens a new store that is closed at the end of the test.
func fresh(t testing.TB, e Engine) Store {
	t.Helper()
	s := open(t, e, t.TempDir())
	t.Cleanup(func() { shut(t, s) })
	return s
}

func shut(t testing.TB, s Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}

func reopened(t testing.TB, e Engine, dir string, s Store) Store {
	t.Helper()
	shut(t, s)
	return open(t, e, dir)
}

func write(t testing.TB, s broker.Store, b *broker.Batch) {
	t.Helper()
	if err := s.Write(b); err != nil {
		t.Fatalf("write: %v", err)
	}
}

// records makes log records for the next write.
func records(s broker.Store, instance string, messages ...string) []broker.Record {
	next := s.NextOffset()
	all := make([]broker.Record, len(messages))
	for i, m := range messages {
		all[i] = broker.Record{Offset: next + uint64(i), Instance: instance, Message: []byte(m)}
	}
	return all
}

// logged writes one batch of messages.
func logged(t testing.TB, s broker.Store, instance string, messages ...string) {
	t.Helper()
	write(t, s, &broker.Batch{Log: records(s, instance, messages...)})
}

// numbered makes messages of which each tells its number.
func numbered(from, to int) []string {
	var all []string
	for i := from; i <= to; i++ {
		all = append(all, fmt.Sprintf("message %d", i))
	}
	return all
}

// read returns what the log holds for an instance.
func read(t testing.TB, s broker.Store, instance string, from uint64) []broker.Record {
	t.Helper()
	all, err := tryRead(s, instance, from)
	if err != nil {
		t.Fatalf("read log of %q from %d: %v", instance, from, err)
	}
	return all
}

func tryRead(s broker.Store, instance string, from uint64) (all []broker.Record, err error) {
	err = s.ReadLog(instance, from, func(r broker.Record) bool {
		r.Message = slices.Clone(r.Message)
		all = append(all, r)
		return true
	})
	return all, err
}

// wantLog checks that the log holds exactly these messages for an instance, the first at an offset.
func wantLog(t testing.TB, s broker.Store, instance string, from, first uint64, messages []string) {
	t.Helper()
	got := read(t, s, instance, from)
	if len(got) != len(messages) {
		t.Fatalf("log of %q from %d has %d records, want %d", instance, from, len(got), len(messages))
	}
	for i, r := range got {
		if r.Offset != first+uint64(i) || r.Instance != instance || string(r.Message) != messages[i] {
			t.Fatalf("record %d is %d of %q, %.40q; want %d, %.40q", i, r.Offset, r.Instance, r.Message,
				first+uint64(i), messages[i])
		}
	}
}

// state is all that Load tells, each row as one line in the order of the calls.
func state(s broker.Store, instance string) (lines []string, err error) {
	line := func(kind string, parts ...any) error {
		lines = append(lines, fmt.Sprintf("%s %q", kind, parts))
		return nil
	}
	err = s.Load(instance, broker.Loader{
		Retained: func(topic string, r broker.Record) error {
			if r.Instance != instance {
				return fmt.Errorf("retained %q belongs to %q", topic, r.Instance)
			}
			return line("retained", topic, r.Message)
		},
		Session:      func(c string, b []byte) error { return line("session", c, b) },
		Subscription: func(c, f string, b []byte) error { return line("subscription", c, f, b) },
		Cursor:       func(c string, b []byte) error { return line("cursor", c, b) },
		Packet: func(c string, d broker.Direction, id uint16, b []byte) error {
			return line("packet", c, fmt.Sprint(d, " ", id), b)
		},
	})
	return lines, err
}

func wantState(t testing.TB, s broker.Store, instance string, want ...string) {
	t.Helper()
	got, err := state(s, instance)
	if err != nil {
		t.Fatalf("load %q: %v", instance, err)
	}
	if len(got) != len(want) || len(want) > 0 && !reflect.DeepEqual(got, want) {
		t.Errorf("state of %q is\n%q\nwant\n%q", instance, got, want)
	}
}

func wantInstances(t testing.TB, s broker.Store, want ...string) {
	t.Helper()
	got, err := s.Instances()
	slices.Sort(got)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("Instances() = %q, %v, want %q", got, err, want)
	}
}

// full is a batch with every kind of row for a client.
func full(s broker.Store, instance, client string) *broker.Batch {
	return &broker.Batch{
		Log:           records(s, instance, "logged for "+client),
		Retained:      []broker.RetainedWrite{{Instance: instance, Topic: "t/" + client, Message: []byte("retained")}},
		Sessions:      []broker.SessionWrite{{Instance: instance, Client: client, State: []byte("session")}},
		Subscriptions: []broker.SubscriptionWrite{{Instance: instance, Client: client, Filter: "a/+", State: []byte("sub")}},
		Cursors:       []broker.CursorWrite{{Instance: instance, Client: client, State: []byte("cursor")}},
		Packets: []broker.PacketWrite{
			{Instance: instance, Client: client, Dir: broker.Incoming, ID: 7, State: []byte("in")},
			{Instance: instance, Client: client, Dir: broker.Outgoing, ID: 7, State: []byte("out")},
		},
	}
}

// fullState is what full leaves behind, without the retained message.
func fullState(client string) []string {
	return []string{
		fmt.Sprintf("session [%q \"session\"]", client),
		fmt.Sprintf("subscription [%q \"a/+\" \"sub\"]", client),
		fmt.Sprintf("cursor [%q \"cursor\"]", client),
		fmt.Sprintf("packet [%q \"1 7\" \"in\"]", client),
		fmt.Sprintf("packet [%q \"2 7\" \"out\"]", client),
	}
}

func fullRetained(client string) string {
	return fmt.Sprintf("retained [%q \"retained\"]", "t/"+client)
}

func isCorrupt(err error) bool { return errors.Is(err, broker.ErrStoreCorrupt) }
