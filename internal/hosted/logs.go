package hosted

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"time"
)

// Bounds of what a child may write to our log.
const (
	maxLogLine   = 2000 // bytes of a line; the rest is left out
	maxLogPerSec = 50   // lines; more are counted
)

// relay reads the output of a child line by line and puts it into our log, until the child has closed it. A line that
// is a record of slog in JSON keeps its level; any other is taken as a warning, for it may be a crash.
func relay(log *slog.Logger, r io.Reader) {
	in := bufio.NewReaderSize(r, maxLogLine)
	second, lines, dropped := time.Now(), 0, 0
	for {
		line, err := readLine(in)
		if len(line) > 0 {
			if now := time.Now(); now.Sub(second) >= time.Second {
				if dropped > 0 {
					log.Warn("flow server writes too much", "lines_left_out", dropped)
				}
				second, lines, dropped = now, 0, 0
			}
			if lines++; lines <= maxLogPerSec {
				record(log, line)
			} else {
				dropped++
			}
		}
		if err != nil {
			return
		}
	}
}

// readLine returns the next line without its end, cut at the bound.
func readLine(in *bufio.Reader) ([]byte, error) {
	line, more, err := in.ReadLine()
	line = append([]byte(nil), line...)
	for more && err == nil {
		_, more, err = in.ReadLine()
	}
	return line, err
}

// record logs one line of a child.
func record(log *slog.Logger, line []byte) {
	var fields map[string]any
	if json.Unmarshal(line, &fields) != nil {
		log.Warn("flow server output", "text", string(line))
		return
	}
	level := slog.LevelInfo
	if text, ok := fields["level"].(string); ok {
		if level.UnmarshalText([]byte(text)) != nil {
			level = slog.LevelInfo
		}
	}
	text, _ := fields["msg"].(string)
	for _, known := range []string{"time", "level", "msg"} {
		delete(fields, known)
	}
	attrs := []slog.Attr{slog.String("text", text)}
	if len(fields) > 0 {
		attrs = append(attrs, slog.Any("fields", fields))
	}
	log.LogAttrs(context.Background(), level, "flow server log", attrs...)
}
