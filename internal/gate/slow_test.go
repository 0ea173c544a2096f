package gate

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"sync"
	"testing"
	"time"

	"tsunagi/internal/mqtt"
)

// small makes a client's window smaller than what it is sent, so that a socket is full soon and often. (One below the
// loopback's packet size would show the kernel's timers, not us.)
func small(t *testing.T, c net.Conn) {
	t.Helper()
	for {
		switch l := c.(type) {
		case *wsClient:
			c = l.Conn
		case *tls.Conn:
			c = l.NetConn()
		case *net.TCPConn:
			if err := l.SetReadBuffer(256 << 10); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
}

// deliver puts a packet into a session's outbox as another client's reader would.
func (r *rig) deliver(e *echo, p []byte) {
	if e.put(p) {
		r.flushers.hand(echoTurn{e})
	}
}

// until waits for a condition that others bring about.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s did not happen", what)
		}
	}
}

// TestSlowReader fills the socket of a reader that rests, and wants every byte in order once it reads again, while
// others are served at once. Then it does it again with senders and reader going at the same time.
func TestSlowReader(t *testing.T) {
	for _, kind := range transports {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			c, e := r.login(kind)
			small(t, c)
			other, _ := r.login("tcp")
			var want []byte
			for i := range 60 {
				p := publish(i, 100_000+i)
				want = append(want, p...)
				r.deliver(e, p)
			}
			until(t, "a full socket", e.link.blocked.Load)
			if _, err := other.Write(publish(1, 10)); err != nil {
				t.Fatal(err)
			}
			readPacket(t, other)
			readSlowly(t, c, want)
			until(t, "the end of the writer", func() bool { return !e.link.blocked.Load() })

			const senders, each = 4, 300
			var wg sync.WaitGroup
			for s := range senders {
				wg.Go(func() {
					for i := range each {
						r.deliver(e, publish(s*each+i, 10+rand.IntN(5000)))
						if i%50 == 0 {
							runtime.Gosched()
						}
					}
				})
			}
			next := [senders]int{}
			for range senders * each {
				f, err := mqtt.Cut(readPacket(t, c), 0)
				if err != nil {
					t.Fatal(err)
				}
				var p mqtt.Publish
				if err := mqtt.DecodePublish(&p, f, mqtt.V311); err != nil {
					t.Fatal(err)
				}
				var n int
				if _, err := fmt.Sscanf(string(p.Topic), "t/%d", &n); err != nil {
					t.Fatal(err)
				}
				if s := n / each; n%each != next[s] {
					t.Fatalf("message %d of sender %d came when %d was due", n%each, s, next[s])
				}
				next[n/each]++
			}
			wg.Wait()
			if n := e.waiting(); n != 0 {
				t.Errorf("%d bytes still wait", n)
			}
		})
	}
}

// readSlowly reads in odd pieces, with rests, and compares.
func readSlowly(t *testing.T, c io.Reader, want []byte) {
	t.Helper()
	buf := make([]byte, 50_000)
	for i := 0; len(want) > 0; i++ {
		n, err := c.Read(buf[:1+rand.IntN(min(len(buf), len(want)))])
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(buf[:n], want[:n]) {
			t.Fatalf("bytes differ, %d before the end", len(want))
		}
		want = want[n:]
		if i%64 == 0 {
			runtime.Gosched()
		}
	}
}

// TestStalledReader never reads. What waits for it is bounded by its session, and its writer ends with it.
func TestStalledReader(t *testing.T) {
	for _, kind := range transports {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.prepare = func(e *echo) { e.bound = 1 << 20 }
			c, e := r.login(kind)
			small(t, c)
			until(t, "a full outbox", func() bool {
				r.deliver(e, make([]byte, 100_000))
				e.mu.Lock()
				defer e.mu.Unlock()
				return e.drops > 10
			})
			e.link.wmu.Lock()
			staged := 0
			if p := e.link.pending; p != nil {
				staged = len(p.b) - p.sent
			}
			e.link.wmu.Unlock()
			if staged > maxPending {
				t.Errorf("%d bytes are staged", staged)
			}
			began := time.Now()
			e.link.Close(mqtt.QuotaExceeded)
			if cause := ended(t, e); !errors.Is(cause, mqtt.QuotaExceeded) {
				t.Errorf("cause %v", cause)
			}
			until(t, "its end", func() bool { return r.Connections() == 0 })
			if took := time.Since(began); took > 2*lastWrite+linger+30*time.Second {
				t.Errorf("took %v", took)
			}
			c.Close()
		})
	}
}

// TestAsksWithoutListening sends requests and reads no answer: the gate stops reading from it instead of keeping
// answers without end, and goes on when the peer listens at last.
func TestAsksWithoutListening(t *testing.T) {
	r := newRig(t)
	for _, kind := range []string{"tcp", "wss"} {
		t.Run(kind, func(t *testing.T) {
			c, e := r.login(kind)
			small(t, c)
			const count = 600
			packet := publish(1, 50_000)
			sent := make(chan error, 1)
			go func() {
				for range count {
					if _, err := c.Write(packet); err != nil {
						sent <- err
						return
					}
				}
				sent <- nil
			}()
			until(t, "a pause", func() bool { return e.waiting() > pauseFrom })
			e.mu.Lock()
			before := e.got
			e.mu.Unlock()
			if most := e.waiting(); most > pauseFrom+5*bufferSize+len(packet) {
				t.Errorf("%d bytes of answers wait", most)
			}
			if before == count {
				t.Error("everything was read")
			}
			for range count {
				if got, err := tryPacket(c); err != nil {
					t.Fatal(err, <-e.end)
				} else if !bytes.Equal(got, packet) {
					t.Fatal("an answer is wrong")
				}
			}
			if err := <-sent; err != nil {
				t.Error(err)
			}
		})
	}
}

// TestPeerGoneWhileBlocked closes a client whose socket is full: nothing may be left behind.
func TestPeerGoneWhileBlocked(t *testing.T) {
	r := newRig(t)
	r.workers.stop()
	before := runtime.NumGoroutine()
	for i := range 10 {
		c, e := r.login(transports[i%len(transports)])
		until(t, "a full socket", func() bool {
			r.deliver(e, make([]byte, 100_000))
			return e.link.blocked.Load()
		})
		c.Close()
		ended(t, e)
	}
	until(t, "the end of all connections", func() bool { return r.Connections() == 0 })
	until(t, "the end of all goroutines", func() bool {
		r.workers.stop()
		return runtime.NumGoroutine() <= before
	})
}
