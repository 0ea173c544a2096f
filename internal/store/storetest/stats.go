package storetest

import (
	"context"
	"fmt"
	"math"
	"testing"
	"time"

	"tsunagi/internal/account"
	"tsunagi/internal/stats"
)

// point is one with different numbers in all fields.
func point(instance string, step stats.Step, at int64) stats.Point {
	p := stats.Point{Instance: instance, Step: step, At: at}
	p.Gauges = stats.Gauges{Connections: 1, WebConnections: 2, Sessions: 3, Subscriptions: 4, Retained: 5, RetainedBytes: 1 << 40, Queued: 7, QueuedBytes: 8}
	p.Counts = stats.Counts{MessagesIn: at, MessagesOut: 10, BytesIn: math.MaxInt32 * 99, BytesOut: 12, Connects: 13}
	for i := range p.Lost {
		p.Lost[i] = int64(20 + i)
	}
	return p
}

func savePoints(t *testing.T, s AccountStore, now int64, points ...stats.Point) {
	t.Helper()
	if err := s.SavePoints(context.Background(), points, time.Unix(now, 0)); err != nil {
		t.Fatal(err)
	}
}

func wantPoints(t *testing.T, s AccountStore, instance string, step stats.Step, from int64, want ...stats.Point) {
	t.Helper()
	got, err := s.Points(context.Background(), instance, step, from)
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(got) != fmt.Sprint(append([]stats.Point{}, want...)) {
		t.Errorf("points of %s by %d from %d:\n%v\nwant\n%v", instance, step, from, got, want)
	}
}

func accountStats(t *testing.T, s AccountStore) {
	insert(t, s, world("1", 1)...)
	insert(t, s, world("2", 2)...)
	const day, now = 86_400, 2_000_000_000 / 3600 * 3600
	a, b, hour := point("instance1", stats.Minute, now-60), point("instance1", stats.Minute, now), point("instance1", stats.Hour, now)
	other, old := point("instance2", stats.Minute, now), point("instance2", stats.Minute, now-day-60)
	savePoints(t, s, now-day, old)
	savePoints(t, s, now, b, a, hour, point("nobody", stats.Minute, now), point("instance1", stats.Minute, now-day-60))
	wantPoints(t, s, "instance1", stats.Minute, 0, a, b)
	wantPoints(t, s, "instance1", stats.Minute, now, b)
	wantPoints(t, s, "instance1", stats.Hour, 0, hour)
	wantPoints(t, s, "nobody", stats.Minute, 0)
	wantPoints(t, s, "instance2", stats.Minute, 0, old)
	b.MessagesIn = 7
	savePoints(t, s, now, b, other)
	wantPoints(t, s, "instance1", stats.Minute, now, b)
	wantPoints(t, s, "instance2", stats.Minute, 0, other) // the old one is gone, since its series was touched
	savePoints(t, s, now)

	raised := []stats.Raised{{Instance: "instance1", Quota: "connections", Level: 75, Since: at(1)}, {Instance: "instance2", Quota: "retained_bytes", Level: 100, Since: at(2), Untold: true}}
	for _, r := range append(raised, stats.Raised{Instance: "nobody", Quota: "connections", Level: 75, Since: at(3)}) {
		if err := s.SaveRaised(context.Background(), r); err != nil {
			t.Fatal(err)
		}
	}
	wantRaised(t, s, raised...)
	raised[0].Level, raised[0].Since = 100, at(4)
	raised[1].Level = 0
	for _, r := range raised {
		if err := s.SaveRaised(context.Background(), r); err != nil {
			t.Fatal(err)
		}
	}
	wantRaised(t, s, raised[0])

	update(t, s, func(tx account.Tx) error { return tx.Delete(account.Instance{ID: "instance1"}) })
	wantPoints(t, s, "instance1", stats.Minute, 0)
	wantPoints(t, s, "instance2", stats.Minute, 0, other)
	wantRaised(t, s)
}

func wantRaised(t *testing.T, s AccountStore, want ...stats.Raised) {
	t.Helper()
	got, err := s.AllRaised(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(got) != fmt.Sprint(append([]stats.Raised{}, want...)) {
		t.Errorf("raised: %v, want %v", got, want)
	}
}
