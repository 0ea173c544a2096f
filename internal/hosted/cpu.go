package hosted

import (
	"time"

	"tsunagi/internal/procfs"
)

// cpuBurst is how long a flow server may use all processors that it gets before its bound holds: starts and deploys are
// short.
const cpuBurst = 10 * time.Second

// budget holds the processor time of a child to a share of one processor, over time. The zero value has not looked yet.
type budget struct {
	at     time.Time
	used   time.Duration
	credit time.Duration // of processor time; below zero: to be waited for
	share  float64       // used between the last two looks, of one processor
}

// look takes the time used so far and returns for how long the child is to pause: until its share has made up for what
// it used, at most until the next look.
func (b *budget) look(now time.Time, used time.Duration, percent int, next time.Duration) (pause time.Duration) {
	allowed := float64(percent) / 100
	burst := time.Duration(allowed * float64(cpuBurst))
	if b.at.IsZero() || now.Before(b.at) || used < b.used {
		b.at, b.used, b.credit = now, used, burst
		return 0
	}
	passed, spent := now.Sub(b.at), used-b.used
	b.at, b.used = now, used
	if passed > 0 {
		b.share = float64(spent) / float64(passed)
	}
	b.credit = min(b.credit+time.Duration(allowed*float64(passed))-spent, burst)
	if b.credit >= 0 || allowed <= 0 {
		return 0
	}
	return min(time.Duration(float64(-b.credit)/allowed), next)
}

// checkCPU looks how much processor time the child took and has it pause when that is more than it may, unless a control
// group does so.
func (c *child) checkCPU(percent int, next time.Duration) {
	used, err := procfs.CPU(c.proc.Pid)
	if err != nil {
		return // it has just gone, or the system doesn't tell
	}
	pause := c.cpu.look(time.Now(), used, percent, next)
	c.share.Store(int64(c.cpu.share*100 + 0.5))
	if pause <= 0 || c.group != nil {
		return
	}
	if err := halt(c.proc); err != nil {
		return
	}
	c.resume = time.AfterFunc(pause, func() { _ = goOn(c.proc) })
}
