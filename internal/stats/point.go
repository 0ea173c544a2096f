// Package stats keeps the numbers of instances over time: a point for each minute of the last day and for each hour of
// the last year, and says when an instance comes near a limit of its plan. It reads the running brokers through a
// function, and knows nothing of them else.
package stats

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// Step is the length of time that a point stands for.
type Step int64

// The steps, in seconds, and how long their points are kept.
const (
	Minute Step = 60
	Hour   Step = 3600

	keptMinutes = 24 * time.Hour
	keptHours   = 366 * 24 * time.Hour
)

// Kept is how far back points of the step are kept.
func (s Step) Kept() time.Duration {
	if s == Minute {
		return keptMinutes
	}
	return keptHours
}

// begin is the beginning of the step that t lies in, in seconds since 1970.
func (s Step) begin(t time.Time) int64 { return t.Unix() - t.Unix()%int64(s) }

// Causes name what can happen to a message that doesn't arrive, in the order of Counts.Lost.
var Causes = [...]string{"away", "slow", "queue_messages", "queue_bytes", "too_large", "expired", "session_ended", "denied"}

// Gauges go up and down. In a point they are the largest of the step.
type Gauges struct {
	Connections    int64 // that count against the plan
	WebConnections int64 // of the panel
	Sessions       int64 // that outlive their connection
	Subscriptions  int64
	Retained       int64 // messages
	RetainedBytes  int64
	Queued         int64 // messages that wait for clients
	QueuedBytes    int64
}

// Counts only grow. In a point they are what came within the step, in a Reading all since Since.
type Counts struct {
	MessagesIn  int64
	MessagesOut int64
	BytesIn     int64
	BytesOut    int64
	Connects    int64
	Lost        [len(Causes)]int64 // messages, by cause
}

// Reading is how an instance is now.
type Reading struct {
	Since time.Time // when the counts were zero
	Gauges
	Counts
}

// Point is what happened to one instance in one step.
type Point struct {
	Instance string
	Step     Step
	At       int64 // the step's beginning, in seconds since 1970
	Gauges
	Counts
}

func (g *Gauges) fields() []*int64 {
	return []*int64{&g.Connections, &g.WebConnections, &g.Sessions, &g.Subscriptions, &g.Retained, &g.RetainedBytes, &g.Queued, &g.QueuedBytes}
}

func (c *Counts) fields() []*int64 {
	list := []*int64{&c.MessagesIn, &c.MessagesOut, &c.BytesIn, &c.BytesOut, &c.Connects}
	for i := range c.Lost {
		list = append(list, &c.Lost[i])
	}
	return list
}

// raise takes the larger of each gauge.
func (g *Gauges) raise(by Gauges) {
	from := by.fields()
	for i, f := range g.fields() {
		*f = max(*f, *from[i])
	}
}

// add adds counts.
func (c *Counts) add(by Counts) {
	from := by.fields()
	for i, f := range c.fields() {
		*f += *from[i]
	}
}

// grown is what came between two readings: all of the later one when the broker was made anew in between.
func grown(before, now Reading) (d Counts) {
	d = now.Counts
	if !before.Since.Equal(now.Since) {
		return d
	}
	from := before.Counts.fields()
	for i, f := range d.fields() {
		*f = max(*f-*from[i], 0)
	}
	return d
}

// empty says that there is nothing to keep.
func (p *Point) empty() bool { return p.Gauges == Gauges{} && p.Counts == Counts{} }

// pointVersion is the first byte of a stored point. Numbers are only ever added at the end, so that older and newer
// programs read each other's.
const pointVersion = 1

// Encode is the point's numbers as they are stored.
func (p *Point) Encode() []byte {
	list := append(p.Gauges.fields(), p.Counts.fields()...)
	b := append(make([]byte, 0, 3*len(list)), pointVersion)
	for _, f := range list {
		b = binary.AppendUvarint(b, uint64(*f))
	}
	return b
}

var errPoint = errors.New("a stored point of the statistics can't be read")

// Decode reads what Encode wrote.
func (p *Point) Decode(b []byte) error {
	if len(b) == 0 || b[0] != pointVersion {
		return errPoint
	}
	b = b[1:]
	for _, f := range append(p.Gauges.fields(), p.Counts.fields()...) {
		if len(b) == 0 {
			return nil // an older program's
		}
		n, size := binary.Uvarint(b)
		if size <= 0 || n > 1<<62 {
			return fmt.Errorf("%w: %d bytes are left", errPoint, len(b))
		}
		*f, b = int64(n), b[size:]
	}
	return nil
}
