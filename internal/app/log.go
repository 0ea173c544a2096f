package app

import (
	"io"
	"log/slog"
	"strings"
	"sync/atomic"

	"tsunagi/internal/config"
)

// maxValue is how much of a value is logged, in bytes.
const maxValue = 256

// newLog makes the process's own log. Values longer than 256 bytes are cut, since clients choose some of them.
func newLog(c config.Log, out io.Writer) *slog.Logger {
	level := map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}[c.Level]
	opts := &slog.HandlerOptions{Level: level, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		var text string
		switch v := a.Value.Any().(type) {
		case string:
			text = v
		case []byte:
			text = string(v)
		case error:
			text = v.Error()
		}
		if len(text) > maxValue && a.Key != "stack" { // where a bug is, which nobody outside chooses
			a.Value = slog.StringValue(strings.ToValidUTF8(text[:maxValue], "") + "…")
		}
		return a
	}}
	if c.Format == "json" {
		return slog.New(slog.NewJSONHandler(out, opts))
	}
	return slog.New(slog.NewTextHandler(out, opts))
}

// failure carries the first failure that ends the process.
type failure struct {
	sent atomic.Bool
	c    chan error
}

func newFailure() *failure { return &failure{c: make(chan error, 1)} }

// fail ends the process with err; later calls change nothing.
func (f *failure) fail(err error) {
	if f.sent.CompareAndSwap(false, true) {
		f.c <- err
	}
}
