package mqttclient

import (
	"runtime"
	"time"
)

// pacer lets messages that come in quick succession gather for a moment before they are read, as network cards do with
// interrupts: a read, a write and a wake-up then serve many of them. It watches whether that helps, and leaves it when
// it doesn't, as where each message waits for the one before. It begins with short pauses and makes them longer while that
// brings more messages a read: who has only so many on their way at once is not kept waiting for nothing. It belongs to
// the reader.
type pacer struct {
	pause   time.Duration // the longest; 0: off
	level   int           // 0 to maxPaceLevel: each doubles the pause
	climbed float64       // messages a read before the last step up, 0: judged already
	holding int           // windows until the next step up
	hold    int           // windows that a step up for nothing costs
	begun   time.Time     // of the window that is watched
	got     int           // messages since then
	reads   int
	on      bool
	resting int // windows until the next try
	rest    int // windows that a failed try costs
}

const (
	paceWindow  = 5 * time.Millisecond
	paceFrom    = 4000 // messages a second
	paceGain    = 3    // messages a read that make waiting worth while
	maxPaceRest = 256  // windows

	maxPaceLevel = 2
	paceClimb    = 1.3 // times as many messages a read that make a longer pause worth while
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
		pause(p.pause >> (maxPaceLevel - p.level))
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
		p.rest = min(max(2*p.rest, 8), maxPaceRest)
		p.resting = p.rest
		p.on = false
		p.level, p.climbed = 0, 0
		return
	}
	if p.on && busy {
		p.rest = 0
		p.stretch(float64(p.got) / float64(max(p.reads, 1)))
	}
	if !busy {
		p.level, p.climbed, p.hold, p.holding = 0, 0, 0, 0
	}
	p.on = busy
}

// stretch makes the pause longer, or takes that back when it has not helped.
func (p *pacer) stretch(each float64) {
	switch {
	case p.climbed > 0 && each < paceClimb*p.climbed:
		p.level--
		p.hold = min(max(2*p.hold, 8), maxPaceRest)
		p.holding, p.climbed = p.hold, 0
	case p.holding > 0:
		p.holding--
	case p.level < maxPaceLevel:
		p.level++
		p.climbed = each
	default:
		p.climbed = 0
	}
}
