package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tsunagi/internal/mqtt"
)

// TestFullDisk fills a small disk below a server and frees it again, some times. While it is full, what must be stored
// is refused with 0x97; QoS 0, deliveries, logging in and deleting go on; nothing acknowledged is lost, and within five
// seconds of there being room the server takes messages again by itself. It needs root. TORTURE_ROUNDS: 20 times.
func TestFullDisk(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	if os.Geteuid() != 0 {
		t.Skip("skipped: mounting a small disk needs root")
	}
	times := 2
	if os.Getenv("TORTURE_ROUNDS") != "" {
		times = 20
	}
	disk := t.TempDir()
	if err := unix.Mount("tmpfs", disk, "tmpfs", 0, "size=96m"); err != nil {
		t.Skipf("skipped: a small disk can't be mounted here: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(disk, unix.MNT_DETACH) })
	dir, addr := filepath.Join(disk, "data"), freeAddr(t)
	s := startDev(t, dir, addr, "--store-reserve-mb", "8")
	f := &fullDisk{t: t, addr: addr, filler: filepath.Join(disk, "filler"), disk: disk}
	away, _ := connect(t, addr, "away", false)
	away.subscribe(t, "full/stored", 1)
	away.Close()
	f.pub = connect5(t, addr, "publisher")
	for range times {
		f.fill()
		f.whileFull()
		f.free()
	}
	s.kill()
	startDev(t, dir, addr)
	f.collect()
	t.Logf("%d messages stored around %d times of a full disk, longest recovery %v", f.stored, times, f.longest)
}

type fullDisk struct {
	t                  *testing.T
	addr, disk, filler string
	pub                *client
	stored             int // acknowledged
	longest            time.Duration
}

// connect5 logs in with MQTT 5.
func connect5(t *testing.T, addr, id string) *client {
	t.Helper()
	c, _, err := dialWith(addr, mqtt.Connect{Version: mqtt.V5, Clean: true, ClientID: []byte(id), ReceiveMaximum: 65535})
	if err != nil {
		t.Fatalf("CONNECT of %q: %v", id, err)
	}
	_ = c.SetDeadline(time.Now().Add(5 * time.Minute))
	return c
}

// publish sends one message of 2 KB with QoS 1 and returns the reason of its acknowledgement.
func (f *fullDisk) publish(topic string, retain bool) mqtt.Reason {
	f.t.Helper()
	payload := fmt.Appendf(nil, "%-2000d", f.stored)
	p := mqtt.Publish{QoS: 1, Retain: retain, Topic: []byte(topic), PacketID: 1, Payload: payload}
	if _, err := f.pub.Write(p.Append(nil, mqtt.V5)); err != nil {
		f.t.Fatal(err)
	}
	frame, err := f.pub.read()
	var a mqtt.Ack
	if err != nil || frame.Type() != mqtt.PUBACK || mqtt.DecodeAck(&a, frame, mqtt.V5) != nil {
		f.t.Fatalf("publish: packet of type %d, %v", frame.Type(), err)
	}
	return a.Reason
}

// fill stores some messages, fills the disk down to the last byte, and stores until it is refused.
func (f *fullDisk) fill() {
	f.t.Helper()
	for range 50 {
		if r := f.publish("full/stored", false); r.Failed() {
			f.t.Fatalf("publish with room: %v", r)
		}
		f.stored++
	}
	filler, err := os.Create(f.filler)
	if err != nil {
		f.t.Fatal(err)
	}
	defer filler.Close()
	for block := make([]byte, 1<<20); len(block) > 0; {
		if _, err := filler.Write(block); err != nil {
			block = block[:len(block)/2]
		}
	}
	for {
		r := f.publish("full/stored", false)
		if r.Failed() {
			if r != mqtt.QuotaExceeded {
				f.t.Fatalf("publish to a full disk: %v, want 0x97", r)
			}
			return
		}
		f.stored++
	}
}

// whileFull tries what must go on.
func (f *fullDisk) whileFull() {
	t := f.t
	t.Helper()
	sub, _ := connect(t, f.addr, "login", true) // logging in
	defer sub.Close()
	_ = sub.SetDeadline(time.Now().Add(30 * time.Second))
	sub.subscribe(t, "full/live", 1)
	live := mqtt.Publish{Topic: []byte("full/live"), Payload: []byte("zero")} // QoS 0
	if _, err := f.pub.Write(live.Append(nil, mqtt.V5)); err != nil {
		t.Fatal(err)
	}
	if r := f.publish("full/live", false); r.Failed() { // QoS 1 that needs no storage
		t.Errorf("QoS 1 to who is connected, on a full disk: %v", r)
	}
	for range 2 {
		if frame, err := sub.read(); err != nil || frame.Type() != mqtt.PUBLISH {
			t.Fatalf("delivery on a full disk: packet of type %d, %v", frame.Type(), err)
		}
	}
	if r := f.publish("full/kept", true); r != mqtt.QuotaExceeded {
		t.Errorf("a retained message on a full disk: %v, want 0x97", r)
	}
	empty := mqtt.Publish{QoS: 1, Retain: true, Topic: []byte("full/none"), PacketID: 3} // deleting
	if _, err := f.pub.Write(empty.Append(nil, mqtt.V5)); err != nil {
		t.Fatal(err)
	}
	frame, err := f.pub.read()
	var a mqtt.Ack
	if err != nil || mqtt.DecodeAck(&a, frame, mqtt.V5) != nil || a.Reason.Failed() {
		t.Errorf("deleting a retained message on a full disk: %+v, %v", a, err)
	}
}

// free makes room, and waits until messages are stored again.
func (f *fullDisk) free() {
	f.t.Helper()
	if err := os.Remove(f.filler); err != nil {
		f.t.Fatal(err)
	}
	begun := time.Now()
	for f.publish("full/stored", false).Failed() {
		if time.Since(begun) > 30*time.Second {
			f.t.Fatal("messages are still refused 30 seconds after there is room")
		}
		time.Sleep(20 * time.Millisecond)
	}
	f.longest = max(f.longest, time.Since(begun))
	f.stored++
}

// collect reads everything that was acknowledged, after a kill.
func (f *fullDisk) collect() {
	t := f.t
	t.Helper()
	c, present := connect(t, f.addr, "away", false)
	defer c.Close()
	if !present {
		t.Fatal("the session is gone")
	}
	_ = c.SetDeadline(time.Now().Add(60 * time.Second))
	for want := 0; want < f.stored; {
		frame, err := c.read()
		var m mqtt.Publish
		if err != nil || frame.Type() != mqtt.PUBLISH || mqtt.DecodePublish(&m, frame, mqtt.V311) != nil {
			t.Fatalf("%d of %d messages have come: packet of type %d, %v", want, f.stored, frame.Type(), err)
		}
		var n int
		if _, err := fmt.Sscan(string(m.Payload), &n); err != nil || n > want {
			t.Fatalf("message %d came, want %d", n, want)
		}
		want = max(want, n+1)
		if err := c.ack(mqtt.PUBACK, m.PacketID); err != nil {
			t.Fatal(err)
		}
	}
}
