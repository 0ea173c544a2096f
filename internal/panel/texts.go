package panel

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// Texts is the catalogue of texts: by language, then by key.
type Texts map[string]map[string]string

// LoadTexts reads the catalogue: one file <language>.json with flat keys for each language.
func LoadTexts(files fs.FS) (Texts, error) {
	names, err := fs.Glob(files, "*.json")
	if err != nil || len(names) == 0 {
		return nil, fmt.Errorf("catalogue of texts: no files (%w)", err)
	}
	all := Texts{}
	for _, name := range names {
		raw, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, fmt.Errorf("catalogue of texts: %w", err)
		}
		var one map[string]string
		if err := json.Unmarshal(raw, &one); err != nil {
			return nil, fmt.Errorf("catalogue of texts: %s: %w", name, err)
		}
		all[strings.TrimSuffix(path.Base(name), ".json")] = one
	}
	return all, nil
}

// Text is the text of key in a language, with its {placeholders} filled from args: name, value, name, value … What a
// language lacks is said in English; what English lacks, too, is said as its key.
func (t Texts) Text(language, key string, args ...any) string {
	text, ok := t[language][key]
	if !ok {
		if text, ok = t["en"][key]; !ok {
			return key
		}
	}
	if len(args) < 2 {
		return text
	}
	pairs := make([]string, 0, len(args))
	for i := 0; i+1 < len(args); i += 2 {
		pairs = append(pairs, fmt.Sprintf("{%v}", args[i]), fmt.Sprint(args[i+1]))
	}
	return strings.NewReplacer(pairs...).Replace(text)
}
