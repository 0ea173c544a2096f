package topic

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

// ValidName says whether s can be the topic name of a PUBLISH or of a will: 1 to MaxBytes bytes [MQTT-4.7.3-1]
// [MQTT-4.7.3-3] of well-formed UTF-8 [MQTT-1.5.4-1] without U+0000 [MQTT-4.7.3-2] and without wildcards
// [MQTT-3.3.2-2] [MQTT-4.7.1-1], in at most MaxLevels levels. It doesn't allocate.
func ValidName(s []byte) bool {
	return len(s) > 0 && len(s) <= MaxBytes &&
		bytes.IndexByte(s, 0) < 0 && bytes.IndexByte(s, '+') < 0 && bytes.IndexByte(s, '#') < 0 &&
		bytes.Count(s, slash) < MaxLevels && utf8.Valid(s)
}

var slash = []byte{'/'}

// CheckName is ValidName with an answer for people: nil, or an error that wraps ErrName and says what is wrong.
func CheckName(s string) error {
	b := []byte(s)
	switch {
	case ValidName(b):
		return nil
	case len(b) == 0:
		return fmt.Errorf("%w: it is empty", ErrName)
	case len(b) > MaxBytes:
		return fmt.Errorf("%w: %d bytes are more than %d", ErrName, len(b), MaxBytes)
	case !utf8.Valid(b):
		return fmt.Errorf("%w: not UTF-8", ErrName)
	case bytes.IndexByte(b, 0) >= 0:
		return fmt.Errorf("%w: it holds the character U+0000", ErrName)
	case bytes.ContainsAny(b, "+#"):
		return fmt.Errorf("%w %q: the wildcards + and # can only be subscribed to", ErrName, s)
	default:
		return fmt.Errorf("%w: more than %d levels", ErrName, MaxLevels)
	}
}
