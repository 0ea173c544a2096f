package bridge

import (
	"strings"

	"tsunagi/internal/mqtt"
	"tsunagi/internal/topic"
)

// outward is the name that a local topic has on the remote broker, by the first line that matches.
func outward(lines []Topic, name string) (string, bool) {
	for i := range lines {
		if l := &lines[i]; l.out() && topic.Match(l.Local+l.Filter, name) {
			return move(name, l.Local, l.Remote)
		}
	}
	return "", false
}

// inward is the name that a remote topic has on the instance, by the first line that matches.
func inward(lines []Topic, name string) (string, bool) {
	for i := range lines {
		if l := &lines[i]; l.in() && topic.Match(l.Remote+l.Filter, name) {
			return move(name, l.Remote, l.Local)
		}
	}
	return "", false
}

// move puts one prefix in place of another. "a/#" matches "a" as well: with the prefix "a/" that is the prefix without
// its slash, on both sides.
func move(name, from, to string) (string, bool) {
	rest, ok := strings.CutPrefix(name, from)
	switch {
	case ok:
		name = to + rest
	case name+"/" == from && strings.HasSuffix(to, "/"):
		name = to[:len(to)-1]
	default:
		return "", false
	}
	return name, len(name) <= topic.MaxBytes && topic.ValidName([]byte(name))
}

// localFilters are the subscriptions on the instance, remoteFilters those on the remote broker, with the QoS of each;
// where two lines have the same filter the higher QoS counts.
func localFilters(lines []Topic) []mqtt.Subscription {
	return filters(lines, (*Topic).out, func(t *Topic) string { return t.Local + t.Filter })
}

func remoteFilters(lines []Topic) []mqtt.Subscription {
	return filters(lines, (*Topic).in, func(t *Topic) string { return t.Remote + t.Filter })
}

func filters(lines []Topic, of func(*Topic) bool, filter func(*Topic) string) (list []mqtt.Subscription) {
	at := map[string]int{}
	for i := range lines {
		if !of(&lines[i]) {
			continue
		}
		f := filter(&lines[i])
		if k, known := at[f]; known {
			list[k].QoS = max(list[k].QoS, lines[i].QoS)
			continue
		}
		at[f] = len(list)
		list = append(list, mqtt.Subscription{Filter: []byte(f), QoS: lines[i].QoS, NoLocal: true, RetainAsPublished: true})
	}
	return list
}

// echoes says whether something that goes out can match what comes in: then the remote broker must know not to send
// it back.
func echoes(lines []Topic) bool {
	for i := range lines {
		for k := range lines {
			if lines[i].out() && lines[k].in() && overlap(lines[i].Remote+lines[i].Filter, lines[k].Remote+lines[k].Filter) {
				return true
			}
		}
	}
	return false
}

// overlap says whether there is a name that both filters match.
func overlap(a, b string) bool {
	for {
		x, restA, moreA := strings.Cut(a, "/")
		y, restB, moreB := strings.Cut(b, "/")
		switch {
		case x == "#" || y == "#":
			return true
		case x != y && x != "+" && y != "+":
			return false
		case !moreA && !moreB:
			return true
		case !moreA:
			return restB == "#"
		case !moreB:
			return restA == "#"
		}
		a, b = restA, restB
	}
}
