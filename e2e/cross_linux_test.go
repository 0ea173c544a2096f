package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tsunagi/internal/mqtt"
)

// crossFlow answers on bench/out what comes on bench/in, by way of JSON and a script.
const crossFlow = `[{"id":"t","type":"tab","label":"t"},
{"id":"b","type":"mqtt-broker","broker":"127.0.0.1","port":"PORT","protocolVersion":"4","keepalive":"60","cleansession":true,"autoConnect":true},
{"id":"in","type":"mqtt in","z":"t","topic":"cross/in","qos":"0","datatype":"json","broker":"b","x":1,"y":1,"wires":[["f"]]},
{"id":"f","type":"function","z":"t","func":"msg.payload = { f: msg.payload.t * 1.8 + 32, big: (2n ** 70n).toString(), on: msg.topic };\nreturn msg;","outputs":1,"x":1,"y":1,"wires":[["out"]]},
{"id":"out","type":"mqtt out","z":"t","topic":"cross/out","qos":"0","retain":"","broker":"b","x":1,"y":1,"wires":[]}]`

// crossAnswer is what every machine has to say: also those that can multiply and add in one step, which rounds otherwise.
const crossAnswer = `{"f":69.80000000000001,"big":"1180591620717411303424","on":"cross/in"}`

// TestTortureOtherMachines starts the flow server of each small machine under qemu's user emulation, deploys a flow and
// sends a message through it. CROSS_DIR names a directory with what scripts/cross has built; else it is built here.
func TestTortureOtherMachines(t *testing.T) {
	if os.Getenv("TORTURE_ROUNDS") == "" {
		t.Skip("long: it compiles for four machines; make torture runs it")
	}
	for _, m := range []struct{ name, arch, arm, emulator string }{
		{"arm64", "arm64", "", "qemu-aarch64-static"}, {"armv7", "arm", "7", "qemu-arm-static"},
		{"armv6", "arm", "6", "qemu-arm-static"}, {"riscv64", "riscv64", "", "qemu-riscv64-static"},
	} {
		t.Run(m.name, func(t *testing.T) {
			emulator, err := exec.LookPath(m.emulator)
			if err != nil {
				t.Skipf("%s is not installed (Debian: apt install qemu-user-static)", m.emulator)
			}
			name := filepath.Join(os.Getenv("CROSS_DIR"), "tsunagi-linux-"+m.name)
			if _, err := os.Stat(name); err != nil {
				name = filepath.Join(t.TempDir(), "tsunagi")
				build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-tags", "no_ui", "-o", name, "tsunagi/cmd/tsunagi")
				build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+m.arch, "GOARM="+m.arm)
				if out, err := build.CombinedOutput(); err != nil {
					t.Fatalf("build: %v\n%s", err, out)
				}
			}
			var args []string
			if m.name == "armv6" {
				args = []string{"-cpu", "arm1176"} // that of the first Raspberry Pi and the Zero
			}
			runEmulated(t, emulator, append(args, name))
		})
	}
}

func runEmulated(t *testing.T, emulator string, program []string) {
	broker := startDev(t, t.TempDir(), freeAddr(t))
	editor := freeAddr(t)
	var said bytes.Buffer
	cmd := exec.Command(emulator, append(program, "flow", "--no-login", "--data", t.TempDir(), "--listen", editor)...)
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }() // it ends by Interrupt, or is killed
	defer func() {
		_ = cmd.Process.Signal(os.Interrupt)
		select {
		case <-ended:
		case <-time.After(time.Minute):
			_ = cmd.Process.Kill()
			<-ended
		}
		if t.Failed() {
			t.Logf("it said:\n%s", said.String())
		}
	}()
	_, port, err := net.SplitHostPort(broker.addr)
	if err != nil {
		t.Fatal(err)
	}
	if err := deployTo("http://"+editor, strings.ReplaceAll(crossFlow, "PORT", port), ended); err != nil {
		t.Fatal(err)
	}
	c, _ := connect(t, broker.addr, "cross", true)
	defer c.Close()
	c.subscribe(t, "cross/out", 0)
	stop := make(chan struct{})
	defer close(stop)
	go func() { // ends with the test: the flow takes a while to connect
		for {
			select {
			case <-stop:
				return
			case <-time.After(200 * time.Millisecond):
				p := mqtt.Publish{Topic: []byte("cross/in"), Payload: []byte(`{"t":21}`)}
				if _, err := c.Write(p.Append(nil, mqtt.V311)); err != nil {
					return
				}
			}
		}
	}()
	if err := c.SetReadDeadline(time.Now().Add(60 * time.Second)); err != nil {
		t.Fatal(err)
	}
	f, err := c.read()
	if err != nil {
		t.Fatalf("no answer of the flow: %v", err)
	}
	var p mqtt.Publish
	if err := mqtt.DecodePublish(&p, f, mqtt.V311); err != nil || string(p.Payload) != crossAnswer {
		t.Errorf("the flow answers %s (%v), want %s", p.Payload, err, crossAnswer)
	}
}

// deployTo posts flows as soon as the editor listens.
func deployTo(base, flows string, ended <-chan struct{}) error {
	for end := time.Now().Add(90 * time.Second); ; {
		resp, err := http.Post(base+"/flows", "application/json", strings.NewReader(flows))
		if err == nil {
			_ = resp.Body.Close() // its status says all
			if resp.StatusCode != http.StatusNoContent {
				return fmt.Errorf("the deploy was answered with %s", resp.Status)
			}
			return nil
		}
		if time.Now().After(end) {
			return err
		}
		select {
		case <-ended:
			return errors.New("the server ended at its start")
		case <-time.After(100 * time.Millisecond):
		}
	}
}
