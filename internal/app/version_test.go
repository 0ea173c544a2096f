package app

import (
	"strings"
	"testing"
)

func TestNoticesArePrinted(t *testing.T) {
	code, text := runHere(t, "version", "--notices")
	for _, want := range []string{"Go's standard library", "modernc.org/sqlite", "Redistribution and use in source and binary forms", "Apache License", "SIL OPEN FONT LICENSE"} {
		if !strings.Contains(text, want) {
			t.Errorf("exit code %d, %d bytes, without %q", code, len(text), want)
		}
	}
	if code != ExitOK {
		t.Errorf("exit code %d, want %d", code, ExitOK)
	}
}
