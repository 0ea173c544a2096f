package account

import (
	"strings"
	"testing"
)

func TestStrength(t *testing.T) {
	weak := []string{"password123", "Password123!", "P@ssw0rd1234", "qwertyuiop12", "1234567890", "aaaaaaaaaaaa", "abcdefghijkl", "abcabcabcabc",
		"letmeinletmein", "iloveyou2024", "drowssap123", "zyxwvutsrq", "summer2024", "tsunagimqtt", "annasmith1", "anna.smith@example.com",
		"1qaz2wsx3edc", "monkeydragon", "ああああああああああ", "qwerty123456", "liverpool1990"}
	for _, p := range weak {
		if bits := strength(p, "anna.smith@example.com", "tsunagi", "mqtt"); bits >= strengthLeast {
			t.Errorf("%q: %.1f bits, want less than %.1f", p, bits, strengthLeast)
		}
	}
	strong := []string{"plum kettle oyster", "correct horse battery staple", "vK3!xq9ZpL", "Tr0ub4dor&3x", "長い合言葉を使うのがよい", "blauer ofen singt",
		"g7hw2kq9zx", strings.Repeat("k9", 10) + "x!vq"}
	for _, p := range strong {
		if bits := strength(p, "anna.smith@example.com", "tsunagi", "mqtt"); bits < strengthLeast {
			t.Errorf("%q: %.1f bits, want %.1f", p, bits, strengthLeast)
		}
	}
	if strength("") != 0 {
		t.Error("nothing is worth something")
	}
}

// FuzzStrength: an estimate never gets worse than single characters, and never panics.
func FuzzStrength(f *testing.F) {
	for _, s := range []string{"", "a", "İİİ", "abcabc", "P@ssw0rd", "\xff\xfe"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		s = s[:min(len(s), 64)]
		if bits, most := strength(s, s), bitsChar*float64(len([]rune(s))); bits < 0 || bits > most+0.001 {
			t.Errorf("%q: %v bits of at most %v", s, bits, most)
		}
	})
}
