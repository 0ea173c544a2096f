package procfs

import (
	"os"
	"runtime"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	const stat = "4242 (a b) c) S 1 4242 4242 0 -1 4194560 1000 0 0 0 150 25 0 0 20 10 8 0 100 1000 200\n"
	if got, err := parseStat(stat); err != nil || got != 1750*time.Millisecond {
		t.Errorf("%s %v", got, err)
	}
	for _, bad := range []string{"", "1 (x) S 1 2", "1 (x) S 1 4242 4242 0 -1 4194560 1000 0 0 0 a b 0 0"} {
		if _, err := parseStat(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
	const status = "Name:\tx\nVmHWM:\t  950000 kB\nVmRSS:\t  900000 kB\nRssAnon:\t   1024 kB\nRssFile:\t 5000 kB\nRssShmem:\t 1 kB\nVmSwap:\t 3 kB\nThreads:\t5\n"
	if got, want := parseStatus(status), (Usage{900000 << 10, 950000 << 10, 1028 << 10}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestOwn(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells")
	}
	u, err := Memory(os.Getpid())
	if err != nil || u.Private <= 0 || u.Peak < u.Resident || u.Resident < 1<<20 {
		t.Errorf("%+v %v", u, err)
	}
	if _, err := CPU(os.Getpid()); err != nil {
		t.Error(err)
	}
	if _, err := CPU(-1); err == nil {
		t.Error("a process that is none has a time")
	}
}
