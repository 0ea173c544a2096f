package bench

import (
	"fmt"
	"io"
	"slices"
)

// line is one figure of a comparison: the medians of its rounds.
type line struct {
	Row     string    `json:"row"`
	Unit    string    `json:"unit"`
	Ours    float64   `json:"tsunagi"`
	Peer    float64   `json:"mosquitto,omitempty"`
	Ratio   float64   `json:"ratio,omitempty"` // above 1: ours is better
	Aim     string    `json:"aim,omitempty"`
	Reached *bool     `json:"reached,omitempty"` // left out without an aim, and where it can't be judged
	Note    string    `json:"note,omitempty"`
	Runs    []float64 `json:"runs"` // of ours
	Peers   []float64 `json:"mosquitto_runs,omitempty"`
	Bad     uint64    `json:"lost_doubled_late"` // of ours, in all runs
}

// linesOf reads a row's figures off its runs. why says why mosquitto has none.
func linesOf(r row, ours, peers []*result, why string) []line {
	var lines []line
	for _, m := range r.measures {
		l := line{Row: r.name, Unit: m.unit, Aim: m.aim(), Note: why}
		if m.name != "" {
			l.Row += ": " + m.name
		}
		for _, res := range ours {
			l.Runs = append(l.Runs, m.value(res))
			l.Bad += res.bad()
		}
		for _, res := range peers {
			l.Peers = append(l.Peers, m.value(res))
		}
		l.Ours, l.Peer = median(l.Runs), median(l.Peers)
		switch {
		case l.Ours == 0 || l.Peer == 0:
		case m.less:
			l.Ratio = l.Peer / l.Ours
		default:
			l.Ratio = l.Ours / l.Peer
		}
		if l.Aim != "" && (m.ratio == 0 || l.Ratio > 0) {
			yes := m.reached(l.Ours, l.Ratio) && l.Bad == 0
			l.Reached = &yes
		}
		lines = append(lines, l)
	}
	return lines
}

// median is the middle one, 0 of none.
func median(list []float64) float64 {
	if len(list) == 0 {
		return 0
	}
	list = slices.Sorted(slices.Values(list))
	return list[len(list)/2]
}

func (c *comparison) print(out io.Writer, lines []line) {
	where := "broker on core 0 with GOMAXPROCS=1, load on core 1 (durable: both on all cores)"
	if !c.pin {
		where = "broker and load not pinned"
	}
	fmt.Fprintf(out, "%s, medians of %d runs of %v\n\n", where, c.rounds, c.duration)
	const form = "%-40s %-16s %12s %12s %8s  %-9s %s\n"
	fmt.Fprintf(out, form, "", "", "tsunagi", "mosquitto", "ratio", "aim", "reached")
	for i := range lines {
		l := &lines[i]
		peer, ratio, reached := "-", "-", ""
		if len(l.Peers) > 0 {
			peer = figure(l.Peer)
		}
		if l.Ratio > 0 {
			ratio = fmt.Sprintf("%.1fx", l.Ratio)
		}
		if l.Reached != nil && *l.Reached {
			reached = "yes"
		} else if l.Reached != nil {
			reached = "NO"
		}
		if l.Note != "" {
			reached += "  (" + l.Note + ")"
		}
		if l.Bad > 0 {
			reached += fmt.Sprintf("  (lost, doubled or late: %d)", l.Bad)
		}
		fmt.Fprintf(out, form, l.Row, l.Unit, figure(l.Ours), peer, ratio, l.Aim, reached)
	}
	fmt.Fprintln(out, "\nA ratio above 1 is in our favour: more for the CPU, less memory, or less time.")
}

// figure is a number as short as it may be.
func figure(v float64) string {
	if v < 100 {
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.0f", v)
}
