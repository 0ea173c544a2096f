package gate

import (
	"bytes"
	"os/exec"
	"testing"
	"time"

	"tsunagi/internal/mqtt"
)

// TestKeyUpdate has openssl ask for new keys in the middle: crypto/tls then answers from inside its Read, and what
// follows must be encrypted with them, in both directions.
func TestKeyUpdate(t *testing.T) {
	tool, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("no openssl")
	}
	r := newRig(t)
	cmd := exec.Command(tool, "s_client", "-connect", r.mqtts, "-tls1_3")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(20*time.Second, func() { _ = cmd.Process.Kill() })
	defer late.Stop()
	defer cmd.Wait()
	defer cmd.Process.Kill()
	var seen []byte
	until := func(what string) {
		t.Helper()
		buf := make([]byte, 4096)
		for !bytes.Contains(seen, []byte(what)) {
			n, err := out.Read(buf)
			seen = append(seen, buf[:n]...)
			if err != nil {
				t.Fatalf("openssl ended before %q came: %q", what, seen)
			}
		}
		seen = seen[bytes.Index(seen, []byte(what))+len(what):]
	}
	send := func(b []byte) {
		t.Helper()
		if _, err := in.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	send(hello(mqtt.V311))
	until("\x20\x02\x00\x00")
	for i := range 5 {
		send([]byte("K\n"))
		e := publish(i, 20000)
		until("KEYUPDATE")
		send(e)
		until(string(e))
	}
}
