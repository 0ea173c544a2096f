package app

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"strings"

	"tsunagi/web"
)

// texts is the catalogue that pages and server share: language, then key, then text.
type texts map[string]map[string]string

func loadTexts() (texts, error) {
	t := texts{}
	for _, language := range []string{"en", "ja"} {
		raw, err := fs.ReadFile(web.Locales(), language+".json")
		if err != nil {
			return nil, err
		}
		var all map[string]string
		if err := json.Unmarshal(raw, &all); err != nil {
			return nil, fmt.Errorf("catalogue %s: %w", language, err)
		}
		t[language] = all
	}
	return t, nil
}

// text is one text with its placeholders filled: args are pairs of name and value. A text that a language lacks is
// English; a key that nobody has stands for itself, and a test keeps that from happening.
func (t texts) text(language, key string, args ...any) string {
	s, ok := t[language][key]
	if !ok {
		if s, ok = t["en"][key]; !ok {
			return key
		}
	}
	for i := 0; i+1 < len(args); i += 2 {
		s = strings.ReplaceAll(s, "{"+fmt.Sprint(args[i])+"}", fmt.Sprint(args[i+1]))
	}
	return s
}
