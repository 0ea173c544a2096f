package panel_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tsunagi/web"
)

func catalogue(t *testing.T, language string) map[string]string {
	t.Helper()
	raw, err := fs.ReadFile(web.Locales(), language+".json")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// texts is the real catalogue, as a panel gets it.
func texts(t *testing.T) func(language, key string, args ...any) string {
	t.Helper()
	all := map[string]map[string]string{"en": catalogue(t, "en"), "ja": catalogue(t, "ja")}
	return func(language, key string, args ...any) string {
		s := all[language][key]
		for i := 0; i+1 < len(args); i += 2 {
			s = strings.ReplaceAll(s, fmt.Sprintf("{%v}", args[i]), fmt.Sprint(args[i+1]))
		}
		if s == "" || strings.Contains(s, "{") {
			t.Errorf("text %s of %s is missing or has an empty place: %q", key, language, s)
		}
		return s
	}
}

// TestCatalogue compares the keys that the server's code names with those of the catalogue.
func TestCatalogue(t *testing.T) {
	used := map[string]bool{}
	key := regexp.MustCompile(`"(api\.[a-z_.]+)"`)
	letter := regexp.MustCompile(`LetterKind = "([a-z_]+)"`)
	short := regexp.MustCompile(`t\("([a-z_.]+)"`) // package mail leaves the beginning out
	for _, dir := range []string{"account", "billing", "panel", "parcel", "roster", "admin", "mail", "hosted", "app", "oidc"} {
		files, err := filepath.Glob(filepath.Join("..", dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			raw, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range key.FindAllStringSubmatch(string(raw), -1) {
				used[m[1]] = true
			}
			for _, m := range letter.FindAllStringSubmatch(string(raw), -1) {
				for _, part := range []string{".subject", ".text", ".end"} {
					used["api.mail."+m[1]+part] = true
				}
			}
			for _, m := range short.FindAllStringSubmatch(string(raw), -1) {
				if dir == "mail" {
					used["api.mail."+m[1]] = true
				}
			}
		}
	}
	delete(used, "api.mail.")
	delete(used, "api.op.")
	have := catalogue(t, "en")
	for _, k := range slices.Sorted(maps.Keys(used)) {
		if have[k] == "" {
			t.Errorf("the code uses %s; the catalogue lacks it", k)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(have)) {
		if strings.HasPrefix(k, "api.") && !strings.HasPrefix(k, "api.op.") && !used[k] {
			t.Errorf("the catalogue has %s; no code uses it", k)
		}
	}
}
