package storetest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"tsunagi/internal/broker"
)

// childDir is the variable that makes a test binary the child which writes until it is killed.
const childDir = "TSUNAGI_STORETEST_CHILD"

// childKeeps is how many records the child leaves in the log, at least.
const childKeeps = 300

// runChild is true, after having written for ever, in the child.
func runChild(t *testing.T, e Engine) bool {
	dir := os.Getenv(childDir)
	if dir == "" {
		return false
	}
	s, err := e.Open(dir)
	if err != nil {
		fmt.Println("open:", err)
		os.Exit(1)
	}
	for i := s.NextOffset(); ; i = s.NextOffset() {
		size := 1 + int(i%37)
		write(t, s, childBatch(s, i, size))
		fmt.Println("acknowledged", i+uint64(size)-1) // unbuffered: one write
		if i > childKeeps {
			if err := s.Trim(i - childKeeps); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// childBatch has log records, and a retained message, cursor and packet that tell the last of their offsets.
func childBatch(s broker.Store, first uint64, size int) *broker.Batch {
	last := fmt.Append(nil, first+uint64(size)-1)
	b := &broker.Batch{
		Log:      records(s, "a", numbered(int(first), int(first)+size-1)...),
		Retained: []broker.RetainedWrite{{Instance: "a", Topic: "last", Message: last}},
		Sessions: []broker.SessionWrite{{Instance: "a", Client: "c", State: []byte("s")}},
		Cursors:  []broker.CursorWrite{{Instance: "a", Client: "c", State: last}},
		Packets:  []broker.PacketWrite{{Instance: "a", Client: "c", Dir: broker.Incoming, ID: 1, State: last}},
	}
	return b
}

// killed ends a writing process without warning, some times in a row on the same store.
func killed(t *testing.T, e Engine) {
	dir := t.TempDir()
	test, _, _ := strings.Cut(t.Name(), "/")
	rounds := 5
	if testing.Short() {
		rounds = 2
	}
	for round := range rounds {
		acknowledged := killRound(t, dir, test, 40+60*round)
		s := open(t, e, dir)
		if next := s.NextOffset(); next <= acknowledged {
			t.Fatalf("round %d: the next offset is %d, and %d was acknowledged", round, next, acknowledged)
		}
		last := s.NextOffset() - 1
		kept := uint64(1)
		if last > childKeeps {
			kept = last - childKeeps
		}
		wantLog(t, s, "a", kept, kept, numbered(int(kept), int(last)))
		wantState(t, s, "a", fmt.Sprintf(`retained ["last" "%d"]`, last), `session ["c" "s"]`,
			fmt.Sprintf(`cursor ["c" "%d"]`, last), fmt.Sprintf(`packet ["c" "1 1" "%d"]`, last))
		shut(t, s)
	}
}

// killRound starts the child, kills it after some acknowledgements, and returns the last one that was seen.
func killRound(t *testing.T, dir, test string, acks int) (last uint64) {
	t.Helper()
	child := exec.Command(os.Args[0], "-test.run=^"+test+"$")
	child.Env = append(os.Environ(), childDir+"="+dir)
	var stderr bytes.Buffer
	child.Stderr = &stderr
	out, err := child.StdoutPipe()
	if err == nil {
		err = child.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	said := ""
	for seen := 0; lines.Scan(); {
		said = lines.Text()
		if _, err := fmt.Sscanf(said, "acknowledged %d", &last); err != nil {
			continue
		}
		if seen++; seen == acks { // the rest of what it had said is read until the pipe ends
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	err = child.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != -1 {
		t.Fatalf("the child wasn't killed but ended with %v: %s %s", err, said, stderr.String())
	}
	return last
}
