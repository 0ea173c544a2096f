package flow

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// checkDateFormat says whether formatDate knows every token of a format.
func checkDateFormat(format string) error {
	if format == "object" || format == "iso" {
		return nil
	}
	for _, t := range dateTokens(format) {
		if t.letters && dateToken(time.Time{}, t.text) == "" {
			return errors.New("unknown token " + t.text)
		}
	}
	return nil
}

// formatDate formats t by a format in the style of moment.js, as dialogs offer it: YYYY-MM-DD
// HH:mm:ss.SSS and the like, [text] in brackets.
func formatDate(t time.Time, format string) string {
	var b strings.Builder
	for _, tok := range dateTokens(format) {
		if tok.letters {
			b.WriteString(dateToken(t, tok.text))
		} else {
			b.WriteString(tok.text)
		}
	}
	return b.String()
}

type dateText struct {
	text    string
	letters bool
}

// dateTokens cuts a format into runs of one letter and what stands between.
func dateTokens(format string) (tokens []dateText) {
	for i := 0; i < len(format); {
		c := format[i]
		if c == '[' {
			if end := strings.IndexByte(format[i:], ']'); end > 0 {
				tokens = append(tokens, dateText{text: format[i+1 : i+end]})
				i += end + 1
				continue
			}
		}
		n := 1
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		for letter && i+n < len(format) && format[i+n] == c {
			n++
		}
		if letter && i+n < len(format) && format[i+n] == 'o' && n == 1 { // Do, Mo
			n++
		}
		tokens = append(tokens, dateText{format[i : i+n], letter})
		i += n
	}
	return tokens
}

var dateLayouts = map[string]string{
	"YYYY": "2006", "YY": "06", "MMMM": "January", "MMM": "Jan", "MM": "01", "M": "1",
	"DD": "02", "D": "2", "dddd": "Monday", "ddd": "Mon", "HH": "15", "hh": "03", "h": "3",
	"mm": "04", "m": "4", "ss": "05", "s": "5", "A": "PM", "a": "pm", "Z": "-07:00", "ZZ": "-0700", "z": "MST",
}

func dateToken(t time.Time, token string) string {
	if layout, ok := dateLayouts[token]; ok {
		return t.Format(layout)
	}
	switch token {
	case "H":
		return fmt.Sprint(t.Hour())
	case "S":
		return fmt.Sprint(t.Nanosecond() / 1e8)
	case "SS":
		return fmt.Sprintf("%02d", t.Nanosecond()/1e7)
	case "SSS":
		return fmt.Sprintf("%03d", t.Nanosecond()/1e6)
	case "X":
		return fmt.Sprint(t.Unix())
	case "x":
		return fmt.Sprint(t.UnixMilli())
	case "dd":
		return t.Format("Mon")[:2]
	case "d", "e":
		return fmt.Sprint(int(t.Weekday()))
	case "E":
		return fmt.Sprint((int(t.Weekday())+6)%7 + 1)
	case "Q":
		return fmt.Sprint((int(t.Month())-1)/3 + 1)
	case "DDDD":
		return fmt.Sprintf("%03d", t.YearDay())
	case "DDD":
		return fmt.Sprint(t.YearDay())
	case "T":
		return "T" // a letter moment doesn't know stays as it is
	case "Do":
		return ordinal(t.Day())
	case "Mo":
		return ordinal(int(t.Month()))
	case "W":
		_, w := t.ISOWeek()
		return fmt.Sprint(w)
	case "WW":
		_, w := t.ISOWeek()
		return fmt.Sprintf("%02d", w)
	case "GGGG":
		y, _ := t.ISOWeek()
		return fmt.Sprint(y)
	case "L":
		return t.Format("01/02/2006")
	case "LT":
		return t.Format("3:04 PM")
	case "LTS":
		return t.Format("3:04:05 PM")
	}
	return ""
}

func ordinal(n int) string {
	suffix := "th"
	switch {
	case n%100 >= 11 && n%100 <= 13:
	case n%10 == 1:
		suffix = "st"
	case n%10 == 2:
		suffix = "nd"
	case n%10 == 3:
		suffix = "rd"
	}
	return fmt.Sprint(n) + suffix
}
