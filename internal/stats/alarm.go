package stats

import (
	"context"
	"time"
)

// Quota is one limit of an instance's plan and what is used of it.
type Quota struct {
	Name  string // of the plan's setting, such as "connections"
	Used  int64
	Limit int64  // 0: none
	Bytes bool   // both are bytes
	Of    string // client id, where the limit is one session's and this is the session that uses most
}

// The levels of an alarm, in percent of a limit.
const (
	LevelNear = 75
	LevelFull = 100
)

// An alarm is taken back when the use has been this many points of percent below its level for so long: what swings
// around a level is one crossing.
const (
	slack = 10
	calm  = 10 * time.Minute
)

// Crossing is a level that was reached.
type Crossing struct {
	Instance string
	Quota    Quota
	Level    int       // LevelNear or LevelFull
	At       time.Time // to the microsecond: the same whenever the crossing is told again
}

// Alarm is told of each crossing once. It must return when ctx ends; what it can't do it says in its own log.
type Alarm func(ctx context.Context, c Crossing)

// Owed is told of each crossing until it takes it: where it answers an error, and where the process ended before the
// answer was stored, it is told once more, of the same level and time.
type Owed func(ctx context.Context, c Crossing) error

// alarm is the state of one quota.
type alarm struct {
	level  int
	since  time.Time
	quiet  time.Time // since when the use is so low that it could be taken back; zero: it isn't
	untold bool      // Owed has not taken the crossing yet
}

// level is what a use amounts to.
func (q Quota) level() int {
	switch {
	case q.Limit <= 0:
		return 0
	case q.Used >= q.Limit:
		return LevelFull
	case 100*q.Used >= LevelNear*q.Limit:
		return LevelNear
	}
	return 0
}

// judge brings the state up to date; crossed says that a level was reached that wasn't before.
func (a *alarm) judge(q Quota, now time.Time) (crossed bool) {
	reached := q.level()
	switch {
	case reached > a.level:
		*a = alarm{level: reached, since: now}
		return true
	case a.level == 0 || q.Limit > 0 && 100*q.Used >= int64(a.level-slack)*q.Limit:
		a.quiet = time.Time{}
	case a.quiet.IsZero():
		a.quiet = now
	case now.Sub(a.quiet) >= calm:
		*a = alarm{level: reached, since: now}
	}
	return false
}
