package panel_test

import (
	"html"
	"net/http"
	"strings"
	"testing"
)

// TestSummaries checks that the reference says what every operation does in the reader's language: the catalogue has the
// document's words in English, others in Japanese, and none of an operation that is no more.
func TestSummaries(t *testing.T) {
	w := newWorld(t)
	b := w.browser()
	var doc struct {
		Paths map[string]map[string]struct {
			ID      string `json:"operationId"`
			Summary string
		}
	}
	b.want("GET", "/api/openapi.json", nil, http.StatusOK, &doc)
	en, ja := catalogue(t, "en"), catalogue(t, "ja")
	pages := map[string]string{}
	for _, language := range []string{"en", "ja"} {
		b.header.Set("Accept-Language", language)
		_, raw := b.do("GET", "/api/reference", nil)
		pages[language] = html.UnescapeString(string(raw))
	}
	known := map[string]bool{}
	for path, operations := range doc.Paths {
		for method, op := range operations {
			if op.ID == "" {
				continue
			}
			key := "api.op." + op.ID
			known[key] = true
			if en[key] != op.Summary || ja[key] == "" || ja[key] == op.Summary {
				t.Errorf("%s %s: the document says %q, the catalogue %q and %q", method, path, op.Summary, en[key], ja[key])
			}
			if !strings.Contains(pages["en"], en[key]) || !strings.Contains(pages["ja"], `id="`+op.ID+`"`) || !strings.Contains(pages["ja"], ja[key]) {
				t.Errorf("a page lacks %s", op.ID)
			}
		}
	}
	for key := range en {
		if strings.HasPrefix(key, "api.op.") && !known[key] {
			t.Errorf("the catalogue has %s, which is no operation", key)
		}
	}
	if len(known) < 200 {
		t.Errorf("only %d operations", len(known))
	}
}
