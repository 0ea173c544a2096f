package mqttclient

import (
	"runtime"
	"time"
)

// pacer lets messages that come in quick succession gather for a moment before they are read, as network cards do with
// interrupts: a read, a write and a wake-up then serve many of them. It watches whether that helps, and leaves it when
// it doesn't, as where each message waits for the one before. From time to time it tries half of the pause or twice as
// much: who has only so many on their way at once is not kept waiting for nothing. It belongs to the reader.
type pacer struct {
	pause   time.Duration // the longest; 0: off
	begun   time.Time     // of the window that is watched
	got     int           // messages since then
	reads   int
	on      bool
	resting int // windows until the next try
	rest    int // windows that a failed try costs

	short   int     // halvings of the pause, 0 to maxPaceShort
	trial   int     // +1: half the pause is on trial, -1: twice of it, 0: none
	before  float64 // messages a read before the trial
	longer  bool    // the next trial is twice the pause
	holding int     // windows until the next trial
	hold    int     // windows that a failed trial costs
}

const (
	paceWindow  = 5 * time.Millisecond
	paceFrom    = 4000 // messages a second
	paceGain    = 3    // messages a read that make waiting worth while
	maxPaceRest = 256  // windows

	maxPaceShort = 2
	paceLoss     = 0.8 // times as many messages a read that half the pause has to bring
	paceMore     = 1.3 // times as many that twice the pause has to bring
	paceHold     = 8   // windows between trials, at least
	maxPaceHold  = 128
)

// wait is called before each read with what the last one brought.
func (p *pacer) wait(messages int) {
	if p.pause == 0 {
		return
	}
	p.got += messages
	p.reads++
	if p.on {
		runtime.Gosched() // who got the messages works first
		pause(p.pause >> p.short)
	}
	if p.reads&7 != 0 { // a look at the clock for every 8 reads
		return
	}
	now := time.Now()
	if d := now.Sub(p.begun); d >= paceWindow {
		p.judge(d)
		p.begun, p.got, p.reads = now, 0, 0
	}
}

func (p *pacer) judge(d time.Duration) {
	if p.resting > 0 {
		p.resting--
		return
	}
	busy := float64(p.got) >= paceFrom*d.Seconds()
	if p.on && busy && p.got < paceGain*p.reads {
		if p.short > 0 { // perhaps it was too short
			p.short, p.trial = 0, 0
			return
		}
		p.rest = min(max(2*p.rest, 8), maxPaceRest)
		p.resting = p.rest
		p.on = false
		return
	}
	if p.on && busy {
		p.rest = 0
		p.try(float64(p.got) / float64(max(p.reads, 1)))
	} else {
		p.trial = 0
	}
	p.on = busy
}

// try judges the trial of another pause by the messages that each read brought, or begins one.
func (p *pacer) try(each float64) {
	switch {
	case p.trial > 0 && each < paceLoss*p.before, p.trial < 0 && each < paceMore*p.before:
		p.short -= p.trial
		p.hold = min(2*p.hold, maxPaceHold)
		p.trial, p.holding = 0, p.hold
	case p.trial != 0: // it stays
		p.hold = paceHold
		p.trial, p.holding = 0, p.hold
	case p.holding > 0:
		p.holding--
	default:
		p.longer = p.short == maxPaceShort || p.short > 0 && !p.longer
		p.trial, p.before, p.hold = 1, each, max(p.hold, paceHold)
		if p.longer {
			p.trial = -1
		}
		p.short += p.trial
	}
}
