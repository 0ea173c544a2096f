package account

import (
	"errors"
	"slices"
	"strings"

	"tsunagi/internal/filling"
	"tsunagi/internal/timetable"
)

// checkHookWatch judges by what an event must be more than one of the hook's kind: condition, edge, quiet time, silence.
// What doesn't belong to the events is taken away.
func checkHookWatch(h *Hook) error {
	messages, silence := slices.Contains(h.Events, HookMessage), slices.Contains(h.Events, HookSilence)
	if slices.Contains(h.Events, HookSchedule) {
		h.Condition, h.Quiet = "", 0
	}
	if !messages {
		h.Edge = false
	}
	if !h.Edge {
		h.Rearm = ""
	}
	if !messages && !silence {
		h.Together = false
	}
	condition, err := checkHookCondition("condition", &h.Condition)
	if err != nil {
		return err
	}
	rearm, err := checkHookCondition("rearm", &h.Rearm)
	switch {
	case err != nil:
		return err
	case h.Edge && condition == nil:
		return invalid("condition", "api.hook.edge")
	case h.Edge && condition.Changes():
		return invalid("edge", "api.hook.edge_changed")
	case rearm.Changes():
		return invalid("rearm", "api.hook.rearm")
	case silence && condition.Changes():
		return invalid("condition", "api.hook.silence_changed")
	case h.Quiet < 0 || h.Quiet > maxHookQuiet:
		return invalid("quiet", "api.hook.quiet", "limit", maxHookQuiet)
	}
	if !silence {
		h.Silence = 0
	} else if h.Silence < minSilence || h.Silence > maxHookQuiet {
		return invalid("silence", "api.hook.silence", "least", minSilence, "limit", maxHookQuiet)
	}
	return nil
}

func checkHookCondition(field string, text *string) (*filling.Condition, error) {
	*text = strings.TrimSpace(*text)
	if len(*text) > maxHookText || !plainText(*text) {
		return nil, invalid(field, "api.hook.text", "limit", maxHookText)
	}
	c, err := filling.ParseCondition(*text)
	if err != nil {
		return nil, invalid(field, "api.hook.condition", "cause", err)
	}
	return c, nil
}

// checkHookSchedule judges the times. That a single time is over is a fault only where it is given anew.
func (s *Service) checkHookSchedule(h *Hook, c HookChange) error {
	if !slices.Contains(h.Events, HookSchedule) {
		h.Schedule, h.Zone = "", ""
		return nil
	}
	h.Schedule, h.Zone = strings.Join(strings.Fields(h.Schedule), " "), strings.TrimSpace(h.Zone)
	table, err := timetable.Parse(h.Schedule, h.Zone)
	switch {
	case errors.Is(err, timetable.ErrZone):
		return invalid("zone", "api.hook.zone")
	case err != nil:
		return invalid("schedule", "api.hook.schedule", "cause", err)
	case table.Once() && (c.Schedule != nil || c.Zone != nil) && table.Next(s.now()).IsZero():
		return invalid("schedule", "api.hook.over")
	}
	return nil
}
