package app

import (
	"regexp"
	"strings"
	"sync"
)

// causes finds the sentences by which brokers tell why a connection ended, which are the English texts of cause.* in the
// catalogue, so that mails can say them in another language.
type causes struct {
	texts texts
	once  sync.Once
	known []knownCause
}

type knownCause struct {
	key    string
	whole  *regexp.Regexp
	places []string
}

var causePlace = regexp.MustCompile(`\{(\w+)\}`)

// in gives a cause in a language; one that isn't known as it came.
func (c *causes) in(language, words string) string {
	if language == "en" || words == "" {
		return words
	}
	c.once.Do(c.read)
	for _, k := range c.known {
		found := k.whole.FindStringSubmatch(words)
		if found == nil {
			continue
		}
		var args []any
		for i, name := range k.places {
			args = append(args, name, found[1+i])
		}
		return c.texts.text(language, k.key, args...)
	}
	return words
}

func (c *causes) read() {
	for key, text := range c.texts["en"] {
		if !strings.HasPrefix(key, "cause.") || key == "cause.more" {
			continue
		}
		k := knownCause{key: key}
		for _, m := range causePlace.FindAllStringSubmatch(text, -1) {
			k.places = append(k.places, m[1])
		}
		parts := causePlace.Split(text, -1)
		for i := range parts {
			parts[i] = regexp.QuoteMeta(parts[i])
		}
		k.whole = regexp.MustCompile(`(?s)^` + strings.Join(parts, "(.+)") + `$`)
		c.known = append(c.known, k)
	}
}
