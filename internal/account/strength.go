package account

import (
	"math"
	"strings"
	"unicode"
)

// How easily a password is guessed: the cheapest way in which it can be put together of words that people choose, runs
// on the keyboard, repetitions, years and single characters, in bits. It is an estimate, with a list of words that is
// short on purpose: it stands in every process.

// strengthLeast is what a person's password needs, in bits: a hundred million tries.
const strengthLeast = 26.5

// Costs of parts, in bits.
const (
	bitsWord  = 9.0 // one of commonWords
	bitsOwn   = 2.0 // something that is known of the person
	bitsYear  = 6.5
	bitsRun   = 4.0 // the beginning of a run; its length comes on top
	bitsUpper = 1.0
	bitsLeet  = 1.0
	bitsChar  = 10.0 / 3 // any character: people don't choose evenly
)

// keyRows are what fingers run along.
var keyRows = []string{"qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "azertyuiop", "1234567890", "!@#$%^&*()", "1qaz2wsx3edc4rfv", "qazwsxedcrfv"}

// leet are the digits and signs that stand for letters.
var leet = strings.NewReplacer("0", "o", "1", "i", "3", "e", "4", "a", "5", "s", "7", "t", "@", "a", "$", "s", "!", "i")

// strength is the estimate for a password of at most some dozens of characters. own is what is known of the person.
func strength(password string, own ...string) float64 {
	runes := []rune(password)
	lower := []rune(strings.ToLower(password))
	if len(lower) != len(runes) { // a letter whose small form is longer: not worth looking at
		lower = runes
	}
	if n, unit := period(lower); n > 1 {
		return strength(string(runes[:unit]), own...) + math.Log2(float64(n))
	}
	words := ownWords(own)
	best := make([]float64, len(runes)+1) // for the characters in front
	for end := 1; end <= len(runes); end++ {
		best[end] = best[end-1] + bitsChar
		for start := range end - 2 { // parts of three and more
			if cost := partBits(runes[start:end], lower[start:end], words); best[start]+cost < best[end] {
				best[end] = best[start] + cost
			}
		}
	}
	return best[len(runes)]
}

// ownWords are the parts of what is known of a person.
func ownWords(own []string) map[string]bool {
	words := map[string]bool{}
	for _, text := range own {
		text = strings.ToLower(text)
		words[text] = true
		for _, w := range strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
			words[w] = true
		}
	}
	return words
}

// partBits is the cost of a part as a whole, infinite when it is nothing known.
func partBits(part, lower []rune, own map[string]bool) float64 {
	cost := math.Inf(1)
	if step, ok := steps(lower); ok {
		cost = bitsRun + math.Log2(float64(len(part))) + math.Abs(float64(step))/8
	}
	text := string(lower)
	for _, row := range keyRows {
		if strings.Contains(row, text) || strings.Contains(reversed(row), text) {
			cost = min(cost, bitsRun+math.Log2(float64(len(part))))
		}
	}
	if len(lower) == 4 && (strings.HasPrefix(text, "19") || strings.HasPrefix(text, "20")) && unicode.IsDigit(lower[2]) && unicode.IsDigit(lower[3]) {
		cost = min(cost, bitsYear)
	}
	return min(cost, wordBits(part, text, own))
}

// wordBits is the cost of a part that is a word, perhaps with capitals, signs for letters, or from back to front.
func wordBits(part []rune, text string, own map[string]bool) float64 {
	extra := 0.0
	if string(part) != text {
		extra += bitsUpper
	}
	for i, form := range []string{text, leet.Replace(text), reversed(text), reversed(leet.Replace(text))} {
		switch {
		case own[form]:
			return bitsOwn + extra + bitsLeet*float64(i)
		case commonWords()[form]:
			return bitsWord + extra + bitsLeet*float64(i)
		}
	}
	return math.Inf(1)
}

// steps says whether characters follow each other evenly, such as aaa, 123 or zyx.
func steps(part []rune) (step rune, ok bool) {
	step = part[1] - part[0]
	if step < -2 || step > 2 {
		return 0, false
	}
	for i := 2; i < len(part); i++ {
		if part[i]-part[i-1] != step {
			return 0, false
		}
	}
	return step, true
}

// period is how many times the shortest unit that makes up the whole is repeated, and the unit's length.
func period(all []rune) (n, unit int) {
	for unit = 1; unit <= len(all)/2; unit++ {
		if len(all)%unit != 0 {
			continue
		}
		same := true
		for i := unit; i < len(all) && same; i++ {
			same = all[i] == all[i-unit]
		}
		if same {
			return len(all) / unit, unit
		}
	}
	return 1, len(all)
}

func reversed(s string) string {
	runes := []rune(s)
	for i, j := 0, len(runes)-1; i < j; i, j = i+1, j-1 {
		runes[i], runes[j] = runes[j], runes[i]
	}
	return string(runes)
}
