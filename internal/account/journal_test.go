package account_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"tsunagi/internal/account"
)

func TestJournal(t *testing.T) {
	w := newWorld(t)
	a, _ := w.instance(w.owner)
	b, _ := w.instance(w.owner)
	j := account.NewJournal(w.store, 20, slog.New(slog.DiscardHandler), w.clock)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- j.Run(ctx) }()

	lines, stop := j.Follow(a.ID)
	j.Add(account.LogLine{Instance: a.ID, Kind: "refused", Client: "c1", Cause: "wrong password"})
	j.Add(account.LogLine{Instance: b.ID, Kind: "connected", Client: "c2"})
	j.Add(account.LogLine{Kind: "refused", Remote: "192.0.2.7"})
	if l := <-lines; l.Client != "c1" || l.ID == 0 || !l.Time.Equal(w.clock()) {
		t.Errorf("followed %+v", l)
	}
	stop()
	read := func(q account.LogQuery) []account.LogLine {
		t.Helper()
		page, err := j.Read(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		return page.Lines
	}
	if l := read(account.LogQuery{Instance: a.ID}); len(l) != 1 || l[0].Client != "c1" || l[0].Cause != "wrong password" {
		t.Errorf("instance's log %+v", l)
	}
	if l := read(account.LogQuery{}); len(l) != 1 || l[0].Remote != "192.0.2.7" {
		t.Errorf("operator's log %+v", l)
	}
	for i := range 50 {
		j.Add(account.LogLine{Instance: a.ID, Kind: "connected", Client: fmt.Sprint("d", i)})
	}
	l := read(account.LogQuery{Instance: a.ID})
	if len(l) != 20 || l[0].Client != "d49" || l[19].Client != "d30" {
		t.Errorf("%d lines kept, newest %+v", len(l), l[0])
	}
	if l := read(account.LogQuery{Instance: a.ID, Before: l[4].ID, Limit: 2}); len(l) != 2 || l[0].Client != "d44" {
		t.Errorf("next page %+v", l)
	}
	if l := read(account.LogQuery{Instance: a.ID, Kind: "refused"}); len(l) != 0 {
		t.Errorf("by kind %+v", l)
	}
	if l := read(account.LogQuery{Instance: a.ID, Contains: "d3"}); len(l) != 10 {
		t.Errorf("by word %d lines", len(l))
	}
	j.Add(account.LogLine{Instance: b.ID, Kind: "last"})
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	again := account.NewJournal(w.store, 20, slog.New(slog.DiscardHandler), w.clock)
	if p, err := again.Read(t.Context(), account.LogQuery{Instance: b.ID}); err != nil || len(p.Lines) != 2 || p.Lines[0].Kind != "last" {
		t.Errorf("after a restart %+v, %v", l, err)
	}
}

func TestJournalMakesTextsHarmless(t *testing.T) {
	w := newWorld(t)
	j := account.NewJournal(w.store, 20, slog.New(slog.DiscardHandler), w.clock)
	j.Add(account.LogLine{Client: "a\r\nfake line\x1b[31m", User: strings.Repeat("あ", 30_000), Topic: "x\xff\xfey", Cause: "\u202egnp"})
	page, err := j.Read(t.Context(), account.LogQuery{})
	l := page.Lines
	if err != nil || len(l) != 1 {
		t.Fatalf("%+v, %v", l, err)
	}
	for _, s := range []string{l[0].Client, l[0].User, l[0].Topic, l[0].Cause} {
		if len(s) > 256 || !utf8.ValidString(s) || strings.ContainsAny(s, "\r\n\x1b\u202e") {
			t.Errorf("kept %q", s)
		}
	}
}

// TestJournalSearchIsBounded looks for the oldest of 100,000 lines.
func TestJournalSearchIsBounded(t *testing.T) {
	w := newWorld(t)
	a, _ := w.instance(w.owner)
	const lines = 100_000
	j := account.NewJournal(w.store, lines, slog.New(slog.DiscardHandler), w.clock)
	oldest := w.clock().Add(-time.Hour)
	for from := 0; from < lines; from += 10_000 {
		batch := make([]account.LogLine, 10_000)
		for i := range batch {
			at := oldest.Add(time.Duration(from+i) * time.Millisecond)
			batch[i] = account.LogLine{ID: at.UnixMicro(), Time: at, Instance: a.ID, Kind: "denied", Client: "pump", Topic: "plant/7", Cause: "no rule"}
			if from+i == 0 {
				batch[i].Kind, batch[i].Cause = "refused", "needle"
			}
		}
		if err := w.store.AppendLog(t.Context(), batch, lines); err != nil {
			t.Fatal(err)
		}
	}
	for _, q := range []account.LogQuery{{Contains: "needle"}, {Kind: "refused"}, {Kind: "refused", Contains: "needle"}} {
		q.Instance = a.ID
		for pages := 1; ; pages++ {
			page, err := j.Read(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			if len(page.Lines) == 1 && page.Lines[0].ID == oldest.UnixMicro() && pages == 5 {
				break
			}
			want := oldest.Add(time.Duration(lines-20_000*pages) * time.Millisecond)
			if len(page.Lines) != 0 || !page.SearchedTo.Equal(want) || page.Next != want.UnixMicro() {
				t.Fatalf("%+v, page %d: %d lines, searched to %s, next %d; want %s", q, pages, len(page.Lines), page.SearchedTo, page.Next, want)
			}
			q.Before = page.Next
		}
	}
	for q, want := range map[account.LogQuery]int{{Contains: "no rule", Limit: 5}: 5, {Limit: 5}: 5} { // what is common is found at once
		q.Instance = a.ID
		page, err := j.Read(t.Context(), q)
		if err != nil || len(page.Lines) != want || page.Next != page.Lines[4].ID || !page.SearchedTo.IsZero() {
			t.Errorf("%+v: %+v, %v", q, page, err)
		}
	}
}

// TestJournalTrims keeps what was promised, and not much more.
func TestJournalTrims(t *testing.T) {
	w := newWorld(t)
	a, _ := w.instance(w.owner)
	j := account.NewJournal(w.store, 160, slog.New(slog.DiscardHandler), w.clock)
	for n := 1; n <= 400; n++ {
		j.Add(account.LogLine{Instance: a.ID, Kind: "connected", Client: fmt.Sprint("d", n)})
		page, err := j.Read(t.Context(), account.LogQuery{Instance: a.ID, Limit: 1000})
		if have := len(page.Lines); err != nil || have < min(n, 160) || have > 170 || page.Lines[0].Client != fmt.Sprint("d", n) {
			t.Fatalf("%d of %d lines, %v", have, n, err)
		}
	}
}

// brokenStore fails to append until it is mended.
type brokenStore struct {
	account.Store
	broken atomic.Bool
	tries  atomic.Int64
}

func (b *brokenStore) AppendLog(ctx context.Context, lines []account.LogLine, keep int) error {
	b.tries.Add(1)
	if b.broken.Load() {
		return errors.New("disk full")
	}
	return nil
}

func TestJournalBoundsAndTriesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &brokenStore{}
		store.broken.Store(true)
		var log strings.Builder
		j := account.NewJournal(store, 10, slog.New(slog.NewTextHandler(&log, nil)), nil)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- j.Run(ctx) }()
		for range 20_000 {
			j.Add(account.LogLine{Kind: "denied"})
		}
		time.Sleep(3500 * time.Millisecond)
		if n := store.tries.Load(); n != 3 {
			t.Errorf("%d tries in 3.5 s", n)
		}
		store.broken.Store(false)
		time.Sleep(time.Second)
		if n := store.tries.Load() - 3; n < 1 || n > 10 {
			t.Errorf("%d batches after mending", n)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if !strings.Contains(log.String(), "log lines dropped") {
			t.Error("nobody is told of the lost lines")
		}
	})
}
