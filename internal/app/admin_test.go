package app

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"tsunagi/internal/admin"
)

// adminRun runs `tsunagi admin` beside a running server, which must work, and returns what it prints: JSON where out is not
// nil.
func adminRun(t *testing.T, w *world, out any, args ...string) string {
	t.Helper()
	if out != nil {
		args = append(args, "--json")
	}
	var text, told bytes.Buffer
	if code := admin.Run(t.Context(), append(args, "--data", w.data), strings.NewReader(""), &text, &told, nil); code != 0 {
		t.Fatalf("tsunagi admin %v: %d %s", args, code, told.String())
	}
	if out != nil {
		if err := json.Unmarshal(text.Bytes(), out); err != nil {
			t.Fatalf("tsunagi admin %v printed %s: %v", args, text.String(), err)
		}
	}
	return text.String()
}
