package editor

import "strings"

// allows tells whether a scope grants a permission such as "flows.write". A scope is "*", "read" or "*.read", "write"
// or "*.write", or one permission; several are separated by commas. An empty scope grants nothing.
func allows(scope, permission string) bool {
	for s := range strings.SplitSeq(scope, ",") {
		switch s = strings.TrimSpace(s); s {
		case "":
		case "*", permission:
			return true
		case "read", "*.read":
			if strings.HasSuffix(permission, ".read") {
				return true
			}
		case "write", "*.write":
			if strings.HasSuffix(permission, ".write") {
				return true
			}
		}
	}
	return false
}

// scopeValue is a scope as the editor wants it in its settings: one word, or a list.
func scopeValue(scope string) any {
	if !strings.Contains(scope, ",") {
		return scope
	}
	var list []string
	for s := range strings.SplitSeq(scope, ",") {
		list = append(list, strings.TrimSpace(s))
	}
	return list
}
