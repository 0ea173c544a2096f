package topic

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Filter is a topic filter as a client subscribes to it. Its strings share memory with the one that was parsed.
type Filter struct {
	Full   string // as it was sent; names the subscription
	Share  string // the group of a shared subscription, else empty
	Filter string // what names are matched with: Full without "$share/<group>/"
}

const sharePrefix = "$share/"

// ParseFilter checks s as a subscription's filter and splits off the group of a shared subscription.
//
// "#" stands only as the last whole level [MQTT-4.7.1-1], "+" only as a whole level [MQTT-4.7.1-2]; s holds 1 to
// MaxBytes bytes of UTF-8 without U+0000 [MQTT-4.7.3-1] [MQTT-4.7.3-2] [MQTT-4.7.3-3]. A shared one reads
// "$share/<group>/<filter>" with a group of at least one character that is none of "/", "+", "#" [MQTT-4.8.2-1]
// [MQTT-4.8.2-2]. The error wraps ErrFilter and names the level at fault, counted from 0.
func ParseFilter(s string) (Filter, error) {
	switch {
	case s == "":
		return Filter{}, fmt.Errorf("%w: it is empty", ErrFilter)
	case len(s) > MaxBytes:
		return Filter{}, fmt.Errorf("%w: %d bytes are more than %d", ErrFilter, len(s), MaxBytes)
	case !utf8.ValidString(s):
		return Filter{}, fmt.Errorf("%w: not UTF-8", ErrFilter)
	case strings.IndexByte(s, 0) >= 0:
		return Filter{}, fmt.Errorf("%w: it holds the character U+0000", ErrFilter)
	}
	f := Filter{Full: s, Filter: s}
	skipped := 0 // levels in front of f.Filter
	if strings.HasPrefix(s, sharePrefix) {
		group, rest, found := strings.Cut(s[len(sharePrefix):], "/")
		if group == "" || strings.ContainsAny(group, "+#") {
			return Filter{}, fmt.Errorf("%w %q: level 1: a shared subscription needs a group name without wildcards",
				ErrFilter, s)
		}
		if !found || rest == "" {
			return Filter{}, fmt.Errorf("%w %q: level 2: a filter must follow the group of a shared subscription",
				ErrFilter, s)
		}
		f.Share, f.Filter, skipped = group, rest, 2
	}
	if err := checkLevels(f.Filter, skipped); err != nil {
		return Filter{}, err
	}
	return f, nil
}

// checkLevels checks number of levels and position of wildcards. Levels are counted from first.
func checkLevels(filter string, first int) error {
	for i, rest, more := 0, filter, true; more; i++ {
		if i == MaxLevels {
			return fmt.Errorf("%w: more than %d levels", ErrFilter, MaxLevels)
		}
		var level string
		level, rest, more = strings.Cut(rest, "/")
		switch {
		case level == "#" && more: // [MQTT-4.7.1-1]
			return fmt.Errorf("%w %q: level %d: # can only be the last level", ErrFilter, filter, first+i)
		case len(level) > 1 && strings.IndexByte(level, '#') >= 0: // [MQTT-4.7.1-1]
			return fmt.Errorf("%w %q: level %d: # must stand alone between slashes", ErrFilter, filter, first+i)
		case len(level) > 1 && strings.IndexByte(level, '+') >= 0: // [MQTT-4.7.1-2]
			return fmt.Errorf("%w %q: level %d: + must stand alone between slashes", ErrFilter, filter, first+i)
		}
	}
	return nil
}
