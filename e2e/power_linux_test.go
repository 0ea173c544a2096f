package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestPowerLossLosesNothingAcknowledged shuts the file system below the data directory down, as a power failure does:
// what has not been synced is gone, and every later write fails. The server must end by itself, since it can acknowledge
// nothing any more; on the file system as it is found at the next mount everything acknowledged before is there. It needs
// root and a loop device. TORTURE_ROUNDS asks for more than the 3 rounds: a fifth of it.
func TestPowerLossLosesNothingAcknowledged(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	rounds := max(3, tortureRounds(15)/5)
	disk := newLoopDisk(t, 256)
	addr := freeAddr(t)
	dir := filepath.Join(disk.dir, "data")
	s := startDev(t, dir, addr)
	w := newWorld(t, addr)
	for round := range rounds {
		w.disturb(round, func() {
			w.freeze() // what is read from now on races with the failure
			disk.shutdown()
			awaitEnd(t, s)
		})
		if code := s.cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(s.printed(), "the store failed") {
			t.Fatalf("round %d: exit code %d, want 1 and a word about the store:\n%s", round, code, s.printed())
		}
		disk.remount()
		s = startDev(t, dir, addr)
		w.verify(round)
	}
	s.kill()
	t.Logf("%d power failures: %s", rounds, w.counts())
}

// awaitEnd waits until a server ends by itself.
func awaitEnd(t *testing.T, s *server) {
	t.Helper()
	select {
	case <-s.ended:
	case <-time.After(30 * time.Second):
		t.Errorf("the server goes on although its store has failed:\n%s", s.printed())
		s.kill()
	}
}

// loopDisk is an ext4 file system in a file.
type loopDisk struct {
	t     *testing.T
	image string
	dir   string
}

func newLoopDisk(t *testing.T, mib int64) *loopDisk {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("skipped: mounting a disk of its own needs root")
	}
	if _, err := exec.LookPath("mkfs.ext4"); err != nil {
		t.Skip("skipped: mkfs.ext4 is not installed")
	}
	d := &loopDisk{t: t, image: filepath.Join(t.TempDir(), "disk"), dir: t.TempDir()}
	f, err := os.Create(d.image)
	if err == nil {
		err = f.Truncate(mib << 20)
		_ = f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mkfs.ext4", "-q", "-F", d.image).CombinedOutput(); err != nil {
		t.Fatalf("mkfs.ext4: %v: %s", err, out)
	}
	if out, err := exec.Command("mount", "-o", "loop", d.image, d.dir).CombinedOutput(); err != nil {
		t.Skipf("skipped: a loop device can't be mounted here: %v: %s", err, out)
	}
	t.Cleanup(func() { _ = unix.Unmount(d.dir, unix.MNT_DETACH) })
	return d
}

// shutdown is EXT4_IOC_SHUTDOWN without flushing the journal: all at once, nothing more reaches the disk.
func (d *loopDisk) shutdown() {
	d.t.Helper()
	const extShutdown, noLogFlush = 0x8004587d, 2
	f, err := os.Open(d.dir)
	if err != nil {
		d.t.Fatal(err)
	}
	defer f.Close()
	if err := unix.IoctlSetPointerInt(int(f.Fd()), extShutdown, noLogFlush); err != nil {
		d.t.Skipf("skipped: this file system can't be shut down: %v", err)
	}
}

// remount brings the file system back as it is after the failure. It mounts a copy of the disk: a mount namespace made
// meanwhile by any process of the machine may still hold the old one, which then stays shut down under the same name.
func (d *loopDisk) remount() {
	d.t.Helper()
	found := d.image + "'"
	for _, c := range [][]string{
		{"umount", d.dir}, {"cp", "--sparse=always", d.image, found}, {"mv", found, d.image}, {"mount", "-o", "loop", d.image, d.dir},
	} {
		if out, err := exec.Command(c[0], c[1:]...).CombinedOutput(); err != nil {
			d.t.Fatalf("%s: %v: %s", c[0], err, out)
		}
	}
}
