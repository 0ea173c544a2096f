package jsonata

import (
	"math"
	"strings"
)

var units = []string{"Zero", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten", "Eleven", "Twelve",
	"Thirteen", "Fourteen", "Fifteen", "Sixteen", "Seventeen", "Eighteen", "Nineteen"}

var tens = []string{"Twenty", "Thirty", "Forty", "Fifty", "Sixty", "Seventy", "Eighty", "Ninety"}

var magnitudes = []string{"Thousand", "Million", "Billion", "Trillion"}

// ordinals that are not the number with th.
var ordinals = map[string]string{"One": "First", "Two": "Second", "Three": "Third", "Five": "Fifth", "Eight": "Eighth", "Nine": "Ninth", "Twelve": "Twelfth"}

func ordinal(word string) string {
	if o, ok := ordinals[word]; ok {
		return o
	}
	if stem, ok := strings.CutSuffix(word, "y"); ok {
		return stem + "ieth"
	}
	return word + "th"
}

// wordsOf writes a number in English words.
func wordsOf(n float64, ord bool) string {
	s := cardinal(n, "")
	if !ord {
		return s
	}
	at := strings.LastIndexAny(s, " -") + 1
	return s[:at] + ordinal(s[at:])
}

// cardinal writes n; link is what stands before it when it follows something larger.
func cardinal(n float64, link string) string {
	rest := func(r float64, link string) string {
		if r == 0 {
			return ""
		}
		return cardinal(r, link)
	}
	and, comma := "", ""
	if link != "" {
		and, comma = " and ", ", "
	}
	switch {
	case n < 20:
		return and + units[int(n)]
	case n < 100:
		s := and + tens[int(n)/10-2]
		if r := int(n) % 10; r > 0 {
			s += "-" + units[r]
		}
		return s
	case n < 1000:
		return comma + units[int(n)/100] + " Hundred" + rest(math.Mod(n, 100), "after")
	}
	mag := min(int(math.Floor(math.Log10(n)/3)), len(magnitudes))
	factor := math.Pow(10, float64(mag*3))
	if factor > n { // Log10 rounded up
		mag--
		factor /= 1000
	}
	mant := math.Floor(n / factor)
	return comma + cardinal(mant, "") + " " + magnitudes[mag-1] + rest(n-mant*factor, "after")
}

// wordValue is the number that a word means.
func wordValue(word string) (float64, bool) {
	for i, w := range units {
		if lw := strings.ToLower(w); word == lw || word == strings.ToLower(ordinal(w)) {
			return float64(i), true
		}
	}
	for i, w := range tens {
		if lw := strings.ToLower(w); word == lw || word == strings.ToLower(ordinal(w)) {
			return float64(i+2) * 10, true
		}
	}
	word = strings.TrimSuffix(word, "th")
	if word == "hundred" {
		return 100, true
	}
	for i, w := range magnitudes {
		if word == strings.ToLower(w) {
			return math.Pow(10, float64(i+1)*3), true
		}
	}
	return 0, false
}

// numberOf reads what wordsOf writes.
func numberOf(text string) float64 {
	words := strings.FieldsFunc(strings.ToLower(text), func(c rune) bool { return strings.ContainsRune(" ,-\t\n", c) })
	segments := []float64{0}
	for _, w := range words {
		if w == "and" {
			continue
		}
		n, ok := wordValue(w)
		if !ok {
			return math.NaN()
		}
		top := &segments[len(segments)-1]
		switch {
		case n >= 100:
			*top *= n
		case *top >= 1000:
			segments = append(segments, n)
		default:
			*top += n
		}
	}
	total := 0.0
	for _, s := range segments {
		total += s
	}
	return total
}
