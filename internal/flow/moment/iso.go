package moment

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

var (
	isoText = regexp.MustCompile(`^\s*([+-]\d{6}|\d{4})(?:-(\d\d)-(\d\d)|-W(\d\d)(?:-(\d))?|-(\d{3})|-(\d\d)|(\d\d)(\d\d)|W(\d\d)(\d)?|(\d{3}))?` +
		`(?:[T ](\d\d)(?::?(\d\d)(?::?(\d\d)(?:[.,](\d+))?)?)?\s*(Z|[+-]\d\d(?::?\d\d)?)?)?$`)
	mailText = regexp.MustCompile(`^(?:\w{3},?\s)?(\d{1,2})\s(\w{3})\s(\d{2,4})\s(\d\d):(\d\d)(?::(\d\d))?\s(UT|GMT|[ECMP][SD]T|Z|[+-]\d{4})$`)
)

// otherLayouts are what JavaScript's Date reads besides, in local time.
var otherLayouts = []string{"2006/1/2", "2006/1/2 15:04", "2006/1/2 15:04:05", "1/2/2006", "1/2/2006 15:04", "1/2/2006 15:04:05", "Jan 2, 2006", "Jan 2 2006",
	"January 2, 2006", "2 Jan 2006", "2 January 2006", "Jan 2, 2006 15:04", "Jan 2, 2006 15:04:05", "2 Jan 2006 15:04", "2 Jan 2006 15:04:05",
	"January 2, 2006 15:04:05", "Mon Jan 2 2006", "Mon Jan 2 2006 15:04:05", "Mon Jan 2 15:04:05 2006", "Mon Jan 2 2006 15:04:05 GMT-0700", "2006-1-2", "2006-1-2 15:04", "2006-1-2 15:04:05"}

// readAny reads a text without a format: ISO 8601, mail's dates, and what Date reads.
func (m *Moment) readAny(text string) {
	if m.readISO(text); !m.invalid {
		return
	}
	m.invalid = false
	if m.readMail(text) {
		return
	}
	text, _, _ = strings.Cut(strings.TrimSpace(text), " (")
	for _, layout := range otherLayouts {
		if t, err := time.ParseInLocation(layout, text, m.t.Location()); err == nil {
			m.t = t.In(m.t.Location())
			return
		}
	}
	m.invalid = true
}

func atoi(s string) int { n, _ := strconv.Atoi(s); return n } // digits, or none

func (m *Moment) readISO(text string) {
	g := isoText.FindStringSubmatch(text)
	if g == nil {
		m.invalid = true
		return
	}
	var p parts
	p.set(0, atoi(strings.TrimPrefix(g[1], "+")))
	p.set(1, 0)
	p.set(2, 1)
	either := func(a, b string) string { return a + b } // one of them is empty
	switch week, day := either(g[4], g[10]), either(g[6], g[12]); {
	case g[2]+g[8] != "":
		p.set(1, atoi(either(g[2], g[8]))-1)
		p.set(2, atoi(either(g[3], g[9])))
	case g[7] != "":
		p.set(1, atoi(g[7])-1)
	case week != "":
		t := dayOfWeek(p.v[0], atoi(week), max(atoi(either(g[5], g[11])), 1)-1)
		p.set(0, t.Year())
		p.set(1, int(t.Month())-1)
		p.set(2, t.Day())
	case day != "":
		t := time.Date(p.v[0], 1, atoi(day), 0, 0, 0, 0, time.UTC)
		p.set(1, int(t.Month())-1)
		p.set(2, t.Day())
	}
	for i, s := range g[13:16] {
		p.set(3+i, atoi(s))
	}
	p.set(6, atoi((g[16] + "000")[:3]))
	zone := m.t.Location()
	if minutes, ok := offsetOf(g[17]); ok {
		m.t = m.t.In(time.FixedZone("", minutes*60))
	}
	m.fromParts(&p, m.t)
	m.t = m.t.In(zone)
}

var mailZones = map[string]int{"UT": 0, "GMT": 0, "Z": 0, "EDT": -4, "EST": -5, "CDT": -5, "CST": -6, "MDT": -6, "MST": -7, "PDT": -7, "PST": -8}

func (m *Moment) readMail(text string) bool {
	g := mailText.FindStringSubmatch(strings.TrimSpace(text))
	if g == nil {
		return false
	}
	month := -1
	for i, name := range english.monthsShort {
		if strings.EqualFold(name, g[2]) {
			month = i
		}
	}
	year := atoi(g[3])
	if len(g[3]) == 2 {
		if year += 1900; year < 1950 {
			year += 100
		}
	}
	minutes := 60 * mailZones[g[7]]
	if _, named := mailZones[g[7]]; !named {
		minutes, _ = offsetOf(g[7])
	}
	p := parts{v: [7]int{year, month, atoi(g[1]), atoi(g[4]), atoi(g[5]), atoi(g[6])}, has: [7]bool{true, true, true, true, true, true, true}}
	zone := m.t.Location()
	m.t = m.t.In(time.FixedZone("", minutes*60))
	m.fromParts(&p, m.t)
	m.t = m.t.In(zone)
	return true
}
