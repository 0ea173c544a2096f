package web

import (
	"encoding/json"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestLocales checks what can be told without the pages' sources: every language has the same keys,
// no text is empty, and placeholders are the same. web/panel/base/catalogue.test.ts checks use.
func TestLocales(t *testing.T) {
	en, ja := catalogue(t, "en.json"), catalogue(t, "ja.json")
	for _, key := range slices.Sorted(maps.Keys(en)) {
		text, there := ja[key]
		if !there {
			t.Errorf("ja.json lacks %q", key)
			continue
		}
		if strings.TrimSpace(text) == "" || strings.TrimSpace(en[key]) == "" {
			t.Errorf("%q is empty", key)
		}
		if a, b := placeholders(en[key]), placeholders(text); !slices.Equal(a, b) {
			t.Errorf("%q has the placeholders %v in en.json, %v in ja.json", key, a, b)
		}
	}
	for key := range ja {
		if _, there := en[key]; !there {
			t.Errorf("en.json lacks %q", key)
		}
	}
}

// TestPanel checks that there is a page to show, with the pages and without.
func TestPanel(t *testing.T) {
	page, err := fs.ReadFile(Panel(), "index.html")
	if err != nil || !strings.Contains(string(page), "<title>Tsunagi</title>") {
		t.Fatalf("index.html = %.80q, %v", page, err)
	}
}

func catalogue(t *testing.T, name string) map[string]string {
	t.Helper()
	raw, err := fs.ReadFile(Locales(), name)
	if err != nil {
		t.Fatal(err)
	}
	var texts map[string]string
	if err := json.Unmarshal(raw, &texts); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return texts
}

var placeholder = regexp.MustCompile(`\{\w+\}`)

func placeholders(text string) []string {
	found := placeholder.FindAllString(text, -1)
	slices.Sort(found)
	return slices.Compact(found)
}
