package function

import (
	"errors"
	"os"
	"os/exec"
)

func shell(line string) *exec.Cmd { return exec.Command("cmd.exe", "/d", "/s", "/c", line) } //nolint:gosec // that is what the node is for

// signal ends the process, whatever the signal: Windows has no other.
func signal(p *os.Process, _ string) error {
	if err := p.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

func signalOf(*os.ProcessState) string { return "" }
