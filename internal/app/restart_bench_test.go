package app

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"tsunagi/internal/broker"
	"tsunagi/internal/mqtt"
	"tsunagi/internal/store/sqlite"
)

// noLink is the connection of a client that reads nothing.
type noLink struct{ c *broker.Client }

func (l *noLink) Flush() {
	if l.c != nil {
		_ = l.c.Outbox().Flush(func(parts [][]byte) (n int, err error) {
			for _, p := range parts {
				n += len(p)
			}
			return n, nil
		})
	}
}

func (l *noLink) Close(error) {}

// BenchmarkRestart opens a store with 100,000 sessions that are away and a million messages for them, and gives the
// parts of that: the files, and the broker with its queues. RESTART_DIR keeps the data for more runs.
func BenchmarkRestart(b *testing.B) {
	dir := os.Getenv("RESTART_DIR")
	if dir == "" {
		dir = b.TempDir()
	}
	if _, err := os.Stat(dir + "/messages.db"); err != nil {
		remember(b, dir, "i", 100_000, 1_000_000)
	}
	for b.Loop() {
		begun := time.Now()
		store, err := sqlite.Open(b.Context(), sqlite.Options{Dir: dir, BallastBytes: -1})
		if err != nil {
			b.Fatal(err)
		}
		opened := time.Now()
		k := broker.NewCommitter(store.Messages, nil, slog.New(slog.DiscardHandler))
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan struct{})
		go func() { defer close(ended); _ = k.Run(ctx) }()
		br, err := broker.New(broker.Options{ID: "i", Committer: k})
		if err != nil {
			b.Fatal(err)
		}
		restored := time.Now()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		b.ReportMetric(opened.Sub(begun).Seconds(), "s-store")
		b.ReportMetric(restored.Sub(opened).Seconds(), "s-broker")
		b.ReportMetric(float64(m.HeapAlloc>>20), "MiB-heap")
		b.ReportMetric(float64(m.HeapSys>>20), "MiB-heapsys")
		runtime.KeepAlive(br)
		cancel()
		<-ended
		if err := store.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// remember fills a store with what an instance has: sessions that are away, and messages for them.
func remember(b testing.TB, dir, instance string, sessions, messages int) {
	b.Helper()
	store, err := sqlite.Open(context.Background(), sqlite.Options{Dir: dir, BallastBytes: -1})
	if err != nil {
		b.Fatal(err)
	}
	k := broker.NewCommitter(store.Messages, nil, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = k.Run(ctx) }()
	br, err := broker.New(broker.Options{ID: instance, Committer: k})
	if err != nil {
		b.Fatal(err)
	}
	const workers = 256
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := w; i < sessions; i += workers {
				l := &noLink{}
				c, err := br.Connect(ctx, &broker.ConnectRequest{Link: l, Identity: broker.Identity{User: "u", Rights: broker.AllowAll{}},
					Packet: &mqtt.Connect{Version: mqtt.V311, ClientID: fmt.Appendf(nil, "session-%05d", i), SessionExpiry: mqtt.SessionForever}})
				if err != nil {
					b.Error(err)
					return
				}
				l.c = c
				p := mqtt.Subscribe{PacketID: 1, Filters: []mqtt.Subscription{{Filter: fmt.Appendf(nil, "own/%d", i), QoS: 1}, {Filter: fmt.Appendf(nil, "group/%d", i/10), QoS: 1}}}
				var t broker.Turn
				if _, err := c.Handle(p.Append(nil, mqtt.V311), &t); err != nil {
					b.Error(err)
				}
				c.Gone(nil)
			}
		})
	}
	wg.Wait()
	for w := range workers {
		wg.Go(func() {
			for i := w; i < messages; i += workers {
				topic := fmt.Sprintf("own/%d", i%sessions)
				if i%10 == 0 {
					topic = fmt.Sprintf("group/%d", i%(sessions/10))
				}
				if err := br.Publish(ctx, topic, fmt.Appendf(nil, "%-100d", i), 1, false); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	cancel()
	<-ended
	if err := store.Close(); err != nil {
		b.Fatal(err)
	}
}
