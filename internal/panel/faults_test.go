package panel_test

import (
	"strings"
	"testing"

	"tsunagi/internal/fault"
)

// TestFaultsHaveTexts checks that pages can tell every fault in each language, with all that differs.
func TestFaultsHaveTexts(t *testing.T) {
	for _, language := range []string{"en", "ja"} {
		have := catalogue(t, language)
		known := map[string]bool{}
		for _, code := range fault.Codes() {
			key := "fault." + string(code)
			known[key] = true
			if have[key] == "" {
				t.Errorf("%s.json lacks %s", language, key)
			}
			for _, place := range fault.Places(code) {
				if !strings.Contains(have[key], "{"+place+"}") {
					t.Errorf("%s of %s.json lacks {%s}", key, language, place)
				}
			}
			if strings.Count(have[key], "{") != len(fault.Places(code)) {
				t.Errorf("%s of %s.json has other places than %q: %s", key, language, fault.Places(code), have[key])
			}
		}
		for key := range have {
			if strings.HasPrefix(key, "fault.") && !known[key] {
				t.Errorf("%s.json has %s, which is no fault's", language, key)
			}
		}
	}
}
