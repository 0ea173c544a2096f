package moment

import (
	"math"
	"strings"
	"time"

	"tsunagi/internal/flow/value"
)

// other is the moment that an argument means.
func other(v value.Value) (*Moment, error) { return New(time.Now(), []value.Value{v}) }

func addComparisons() {
	compare := func(judge func(m, o *Moment, unit string) bool) method {
		return func(m *Moment, args []value.Value) (value.Value, error) {
			o, err := other(at(args, 0))
			if err != nil {
				return value.Value{}, err
			}
			o.t = o.t.In(m.t.Location())
			return value.Of(!m.invalid && !o.invalid && judge(m, o, unitOf(text(args, 1)))), nil
		}
	}
	before := func(m, o *Moment, unit string) bool { return m.end(unit).millis() < o.millis() }
	after := func(m, o *Moment, unit string) bool { return m.start(unit).millis() > o.millis() }
	same := func(m, o *Moment, unit string) bool {
		return m.start(unit).millis() <= o.millis() && o.millis() <= m.end(unit).millis()
	}
	methods["isBefore"] = compare(before)
	methods["isAfter"] = compare(after)
	methods["isSame"] = compare(same)
	methods["isSameOrBefore"] = compare(func(m, o *Moment, u string) bool { return same(m, o, u) || before(m, o, u) })
	methods["isSameOrAfter"] = compare(func(m, o *Moment, u string) bool { return same(m, o, u) || after(m, o, u) })
	methods["isBetween"] = (*Moment).isBetween
	methods["diff"] = (*Moment).diffOf
	methods["from"] = distanceTo(false, false)
	methods["to"] = distanceTo(true, false)
	methods["fromNow"] = distanceTo(false, true)
	methods["toNow"] = distanceTo(true, true)
}

func (m *Moment) start(unit string) *Moment { c := m.clone(); c.startOf(unit); return c }
func (m *Moment) end(unit string) *Moment   { c := m.clone(); c.endOf(unit); return c }

// isBetween takes two ends, a unit, and which of the ends belong to it.
func (m *Moment) isBetween(args []value.Value) (value.Value, error) {
	from, err := other(at(args, 0))
	if err != nil {
		return value.Value{}, err
	}
	to, err := other(at(args, 1))
	if err != nil {
		return value.Value{}, err
	}
	unit, ends := unitOf(text(args, 2)), text(args, 3)
	if ends == "" {
		ends = "()"
	}
	lo, hi := m.start(unit).millis() > from.millis(), m.end(unit).millis() < to.millis()
	if strings.HasPrefix(ends, "[") {
		lo = m.end(unit).millis() >= from.millis()
	}
	if strings.HasSuffix(ends, "]") {
		hi = m.start(unit).millis() <= to.millis()
	}
	return value.Of(!m.invalid && !from.invalid && !to.invalid && lo && hi), nil
}

// diffOf takes a moment, a unit, and whether the fraction is wanted.
func (m *Moment) diffOf(args []value.Value) (value.Value, error) {
	o, err := other(at(args, 0))
	if err != nil {
		return value.Value{}, err
	}
	if m.invalid || o.invalid {
		return value.Num(math.NaN()), nil
	}
	d := m.diff(o, unitOf(text(args, 1)))
	if !at(args, 2).Truthy() {
		d = math.Trunc(d) + 0
	}
	return value.Num(d), nil
}

// distanceTo makes from, to, fromNow and toNow.
func distanceTo(back, now bool) method {
	return func(m *Moment, args []value.Value) (value.Value, error) {
		against := value.Value{}
		if !now {
			against, args = at(args, 0), args[min(1, len(args)):]
		}
		o, err := other(against)
		if err != nil {
			return value.Value{}, err
		}
		bare := at(args, 0).Truthy()
		if back {
			o.lang = m.lang
			return value.Str(o.humanize(m, bare)), nil
		}
		return value.Str(m.humanize(o, bare)), nil
	}
}

// calendarOf takes another moment in the place of now.
func (m *Moment) calendarOf(args []value.Value) (value.Value, error) {
	now, err := other(at(args, 0))
	if err != nil {
		return value.Value{}, err
	}
	return value.Str(m.calendar(now)), nil
}
