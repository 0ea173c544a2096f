package moment

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// locale is how a language writes dates.
type locale struct {
	name                                          string
	months, monthsShort, days, daysShort, daysMin []string
	long                                          map[string]string // formats of L and the like
	meridiem                                      func(hour int, lower bool) string
	isPM                                          func(text string) bool
	meridiemText, ordinalText                     *regexp.Regexp
	ordinal                                       func(n int, unit string) string
	relative                                      map[string]string
	sameDay, nextDay, nextWeek, lastDay, lastWeek string
	nextWeekOther, lastWeekOther                  string // when it is another week; "" for the same
}

func words(s string) []string { return strings.Split(s, " ") }

var english = &locale{
	name:        "en",
	months:      words("January February March April May June July August September October November December"),
	monthsShort: words("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec"),
	days:        words("Sunday Monday Tuesday Wednesday Thursday Friday Saturday"),
	daysShort:   words("Sun Mon Tue Wed Thu Fri Sat"),
	daysMin:     words("Su Mo Tu We Th Fr Sa"),
	long: map[string]string{"LTS": "h:mm:ss A", "LT": "h:mm A", "L": "MM/DD/YYYY", "LL": "MMMM D, YYYY", "LLL": "MMMM D, YYYY h:mm A",
		"LLLL": "dddd, MMMM D, YYYY h:mm A", "l": "M/D/YYYY", "ll": "MMM D, YYYY", "lll": "MMM D, YYYY h:mm A", "llll": "ddd, MMM D, YYYY h:mm A"},
	meridiem: func(hour int, lower bool) string {
		text := "AM"
		if hour > 11 {
			text = "PM"
		}
		if lower {
			text = strings.ToLower(text)
		}
		return text
	},
	isPM:         func(text string) bool { return strings.HasPrefix(strings.ToLower(text), "p") },
	meridiemText: regexp.MustCompile(`(?i)[ap]\.?m?\.?`),
	ordinalText:  regexp.MustCompile(`(?i)\d{1,2}(th|st|nd|rd)`),
	ordinal: func(n int, _ string) string {
		suffix := "th"
		switch {
		case n%100/10 == 1:
		case n%10 == 1:
			suffix = "st"
		case n%10 == 2:
			suffix = "nd"
		case n%10 == 3:
			suffix = "rd"
		}
		return strconv.Itoa(n) + suffix
	},
	relative: map[string]string{"future": "in %s", "past": "%s ago", "s": "a few seconds", "ss": "%d seconds", "m": "a minute", "mm": "%d minutes",
		"h": "an hour", "hh": "%d hours", "d": "a day", "dd": "%d days", "M": "a month", "MM": "%d months", "y": "a year", "yy": "%d years"},
	sameDay: "[Today at] LT", nextDay: "[Tomorrow at] LT", nextWeek: "dddd [at] LT", lastDay: "[Yesterday at] LT", lastWeek: "[Last] dddd [at] LT",
}

var japaneseMonths = words("1月 2月 3月 4月 5月 6月 7月 8月 9月 10月 11月 12月")

var japanese = &locale{
	name:        "ja",
	months:      japaneseMonths,
	monthsShort: japaneseMonths,
	days:        words("日曜日 月曜日 火曜日 水曜日 木曜日 金曜日 土曜日"),
	daysShort:   words("日 月 火 水 木 金 土"),
	daysMin:     words("日 月 火 水 木 金 土"),
	long: map[string]string{"LTS": "HH:mm:ss", "LT": "HH:mm", "L": "YYYY/MM/DD", "LL": "YYYY年M月D日", "LLL": "YYYY年M月D日 HH:mm",
		"LLLL": "YYYY年M月D日 dddd HH:mm", "l": "YYYY/MM/DD", "ll": "YYYY年M月D日", "lll": "YYYY年M月D日 HH:mm", "llll": "YYYY年M月D日(ddd) HH:mm"},
	meridiem: func(hour int, _ bool) string {
		if hour < 12 {
			return "午前"
		}
		return "午後"
	},
	isPM:         func(text string) bool { return text == "午後" },
	meridiemText: regexp.MustCompile(`午前|午後`),
	ordinalText:  regexp.MustCompile(`\d{1,2}日`),
	ordinal: func(n int, unit string) string {
		if unit == "d" || unit == "D" || unit == "DDD" {
			return strconv.Itoa(n) + "日"
		}
		return strconv.Itoa(n)
	},
	relative: map[string]string{"future": "%s後", "past": "%s前", "s": "数秒", "ss": "%d秒", "m": "1分", "mm": "%d分", "h": "1時間", "hh": "%d時間",
		"d": "1日", "dd": "%d日", "M": "1ヶ月", "MM": "%dヶ月", "y": "1年", "yy": "%d年"},
	sameDay: "[今日] LT", nextDay: "[明日] LT", nextWeek: "dddd LT", lastDay: "[昨日] LT", lastWeek: "dddd LT",
	nextWeekOther: "[来週]dddd LT", lastWeekOther: "[先週]dddd LT",
}

// localeOf finds a language by its tag; the region does not matter.
func localeOf(tag string) (*locale, error) {
	name, _, _ := strings.Cut(strings.ToLower(strings.ReplaceAll(tag, "_", "-")), "-")
	switch name {
	case "en":
		return english, nil
	case "ja":
		return japanese, nil
	}
	return nil, fmt.Errorf("$moment has no language %q here: use en or ja", tag)
}
