package flow

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"tsunagi/internal/flow/value"
)

// level is a log level with Node-RED's number, which the editor's debug sidebar knows.
type level int

const (
	levelError level = 20
	levelWarn  level = 30
	levelInfo  level = 40
	levelDebug level = 50
)

func (l level) slog() slog.Level {
	switch l {
	case levelError, levelWarn:
		return slog.LevelWarn // a flow's errors are its author's, not the operator's
	case levelInfo:
		return slog.LevelInfo
	}
	return slog.LevelDebug
}

// log writes a line about the node, and shows warnings and errors in the debug sidebar.
func (b *Base) log(l level, err error) { b.rt.logAbout(l, b.def, b.in.path, err) }

func (r *Runtime) logAbout(l level, d *def, path string, err error) {
	r.o.Log.Log(context.Background(), l.slog(), "node log", "node", d.shownID(), "type", d.typ, "name", d.name, "text", err.Error())
	if l > levelWarn {
		return
	}
	o := value.NewMap(10)
	o.Set("id", value.Str(d.id)).Set("type", value.Str(d.typ))
	if d.alias != "" {
		o.Set("_alias", value.Str(d.alias))
	}
	if d.z != "" {
		o.Set("z", value.Str(d.z))
	}
	if d.name != "" {
		o.Set("name", value.Str(d.name))
	}
	o.Set("path", value.Str(path)).Set("level", value.Int(int(l))).Set("timestamp", value.Num(float64(time.Now().UnixMilli())))
	format, msg := encodeError(err)
	o.Set("format", value.Str(format)).Set("msg", value.Str(msg))
	r.pub.debug(d.id, o)
}

// encodeError gives format and text of an error for the debug sidebar: a plain text, or an
// error with its stack.
func encodeError(err error) (format, msg string) {
	var js *Error
	if !errors.As(err, &js) {
		return encodeText(err.Error())
	}
	data := value.MapOf("name", js.name(), "message", js.Message)
	if js.Code != "" {
		data.Set("code", value.Str(js.Code))
	}
	if js.Cause.Defined() {
		data.Set("cause", value.Str(js.Cause.Text()))
	}
	data.Set("stack", value.Str(js.stack()))
	return "error", value.JSON(value.MapOf("__enc__", true, "type", "error", "data", data).Value())
}
