package mail

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"tsunagi/internal/account"
)

// HookMail is what a hook writes to one of its readers.
type HookMail struct {
	To, Language string
	Instance     string // its id
	InstanceName string
	Hook         string // its name
	Lines        []HookLine
	More         int // events that Lines leaves out
}

// HookLine is one event.
type HookLine struct {
	Time          time.Time
	Type          account.HookEvent
	Topic         string
	Payload       []byte
	Client, Cause string
	Quota         account.TextKey // of a limit, as the next
	Level         int             // percent of it
	Used, Limit   int64
	Text          string // instead of all that: what the hook's template made
}

// MaxHookText is how long a text of HookLine should be at most, in bytes.
const MaxHookText = 4096

// shownPayload is how much of a payload a mail shows, in bytes.
const shownPayload = 1000

// Hook sends a mail about events of an instance, in its reader's language or in all where that is unknown.
func (s *Sender) Hook(ctx context.Context, m HookMail) error {
	languages := s.o.Languages
	if slices.Contains(languages, m.Language) {
		languages = []string{m.Language}
	}
	var subjects, texts []string
	for _, l := range languages {
		t := func(key string, args ...any) string { return s.o.Text(l, "api.mail."+key, args...) }
		var b strings.Builder
		b.WriteString(t("hook.text", "instance", m.InstanceName, "name", m.Hook) + "\n\n")
		for _, line := range m.Lines {
			b.WriteString(line.Time.UTC().Format("2006-01-02 15:04:05 UTC") + "  ")
			switch {
			case line.Text != "":
				b.WriteString(indented(line.Text))
			case line.Type == account.HookSchedule:
				b.WriteString(t("hook.schedule"))
			case line.Type == account.HookSilence:
				b.WriteString(t("hook.silence", "topic", line.Topic))
			case line.Type == account.HookBack:
				b.WriteString(t("hook.back", "topic", line.Topic))
			case line.Type == account.HookConnect:
				b.WriteString(t("hook.connect", "client", line.Client))
			case line.Type == account.HookDisconnect:
				b.WriteString(strings.TrimSpace(t("hook.disconnect", "client", line.Client) + " " + s.o.Cause(l, line.Cause)))
			case line.Type == account.HookQuota:
				b.WriteString(t("hook.quota", "quota", s.o.Text(l, string(line.Quota)), "percent", line.Level, "used", line.Used, "limit", line.Limit))
			default:
				b.WriteString(line.Topic + "\n    " + readable(line.Payload))
			}
			b.WriteByte('\n')
		}
		if m.More > 0 {
			b.WriteString("\n" + t("hook.more", "count", m.More) + "\n")
		}
		fmt.Fprintf(&b, "\n%s/instances/%s/hooks\n\n%s\n", s.o.PanelURL, m.Instance, t("hook.end"))
		subjects = append(subjects, t("hook.subject", "name", m.Hook))
		texts = append(texts, b.String())
	}
	_, err := s.send(ctx, m.To, strings.Join(subjects, " / "), strings.Join(texts, "\n----\n\n"))
	return err
}

// readable is a payload as text of bounded length, its lines indented.
func readable(p []byte) string {
	cut := p[:min(len(p), shownPayload)]
	for range 4 {
		if utf8.Valid(cut) || len(cut) == 0 {
			break
		}
		cut = cut[:len(cut)-1]
	}
	if !utf8.Valid(cut) || len(cut) == 0 && len(p) > 0 {
		return fmt.Sprintf("(%d bytes)", len(p))
	}
	text := indented(string(cut))
	if len(cut) < len(p) {
		text += " …"
	}
	return text
}

// indented is a text whose lines after the first stand below it.
func indented(text string) string {
	return strings.ReplaceAll(strings.ReplaceAll(text, "\r", ""), "\n", "\n    ")
}
