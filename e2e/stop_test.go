package e2e

import (
	"bufio"
	"net"
	"os"
	"testing"
	"time"

	"tsunagi/internal/mqtt"
)

// Ctrl-C ends the server cleanly: a 5.0 client is told 0x8B, the exit code is 0, and what was retained is there after
// the next start.
func TestStopsCleanly(t *testing.T) {
	dir, addr := t.TempDir(), freeAddr(t)
	s := startDev(t, dir, addr)
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	c := &client{Conn: conn, in: bufio.NewReader(conn)}
	hello := mqtt.Connect{Version: mqtt.V5, Clean: true, ClientID: []byte("five"), ReceiveMaximum: 65535, RequestProblem: true}
	kept := mqtt.Publish{QoS: 1, Retain: true, PacketID: 7, Topic: []byte("kept"), Payload: []byte("still here")}
	if _, err := c.Write(kept.Append(hello.Append(nil), mqtt.V5)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []mqtt.Type{mqtt.CONNACK, mqtt.PUBACK} {
		if f, err := c.read(); err != nil || f.Type() != want {
			t.Fatalf("packet type %d, %v, want %d", f.Type(), err, want)
		}
	}
	if err := s.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	f, err := c.read()
	if err != nil || f.Type() != mqtt.DISCONNECT {
		t.Fatalf("packet type %d, %v, want DISCONNECT", f.Type(), err)
	}
	d, err := mqtt.DecodeDisconnect(f, mqtt.V5)
	if err != nil || d.Reason != mqtt.ServerShuttingDown {
		t.Errorf("DISCONNECT %+v, %v, want reason 0x8B", d, err)
	}
	<-s.ended
	if code := s.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit code %d:\n%s", code, s.printed())
	}

	startDev(t, dir, addr)
	again, _ := connect(t, addr, "four", true)
	defer again.Close()
	_ = again.SetDeadline(time.Now().Add(time.Minute))
	again.subscribe(t, "kept", 1)
	f, err = again.read()
	var m mqtt.Publish
	if err != nil || f.Type() != mqtt.PUBLISH || mqtt.DecodePublish(&m, f, mqtt.V311) != nil || string(m.Payload) != "still here" || !m.Retain {
		t.Errorf("after the restart: packet type %d, %v, %q; want the retained message", f.Type(), err, m.Payload)
	}
}
