package topic

import "strings"

// Match says whether a filter (checked, without "$share/<group>/") matches a name (checked). It doesn't allocate.
//
// "+" takes one level, also an empty one; "#" takes the rest and its own parent (4.7.1.2, 4.7.1.3). A filter that
// begins with a wildcard doesn't match a name that begins with "$" [MQTT-4.7.2-1]. Everything else is compared byte by
// byte [MQTT-4.7.3-4].
func Match(filter, name string) bool {
	if hidden(filter, name) {
		return false
	}
	for {
		f, fRest, fMore := strings.Cut(filter, "/")
		if f == "#" {
			return true
		}
		n, nRest, nMore := strings.Cut(name, "/")
		if f != "+" && f != n {
			return false
		}
		if !nMore {
			return !fMore || fRest == "#"
		}
		if !fMore {
			return false
		}
		filter, name = fRest, nRest
	}
}

// Covers says whether every name that other matches is matched by filter, too. Both are checked filters without
// "$share/<group>/". It is exact, except that it takes names to be as long and deep as one likes.
func Covers(filter, other string) bool {
	if hidden(filter, other) {
		return false
	}
	switch other { // no name is empty, so a first level, or one behind an empty first one, is always there
	case "#":
		other = "+/#"
	case "/#":
		other = "/+/#"
	}
	for {
		f, fRest, fMore := strings.Cut(filter, "/")
		if f == "#" {
			return true
		}
		o, oRest, oMore := strings.Cut(other, "/")
		if o == "#" || (f != "+" && f != o) {
			return false
		}
		if !oMore {
			return !fMore || fRest == "#"
		}
		if !fMore {
			return false
		}
		filter, other = fRest, oRest
	}
}

// hidden is the rule of [MQTT-4.7.2-1]: a wildcard in front doesn't see what begins with "$".
func hidden(filter, name string) bool {
	return name != "" && name[0] == '$' && filter != "" && (filter[0] == '+' || filter[0] == '#')
}
