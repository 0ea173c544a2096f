package account

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"tsunagi/internal/filling"
	"tsunagi/internal/topic"
)

// Bounds of what a hook says, in bytes.
const (
	maxHookURL      = 2048
	maxHookTemplate = 16 << 10
	maxHookText     = 512
)

// Bounds of what a hook waits for, in seconds.
const (
	minSilence   = 10
	maxHookQuiet = 7 * 24 * 3600 // of Silence as well
)

// applyHook changes h and judges the whole.
func (s *Service) applyHook(r Reader, in Instance, h *Hook, c HookChange) (err error) {
	set(&h.Name, c.Name)
	set(&h.Enabled, c.Enabled)
	set(&h.Events, c.Events)
	set(&h.Filter, c.Filter)
	set(&h.Client, c.Client)
	set(&h.Condition, c.Condition)
	set(&h.Edge, c.Edge)
	set(&h.Rearm, c.Rearm)
	set(&h.Quiet, c.Quiet)
	set(&h.Together, c.Together)
	set(&h.Silence, c.Silence)
	set(&h.Schedule, c.Schedule)
	set(&h.Zone, c.Zone)
	set(&h.Action, c.Action)
	was := h.URL
	set(&h.URL, c.URL)
	set(&h.Topic, c.Topic)
	set(&h.Template, c.Template)
	set(&h.QoS, c.QoS)
	set(&h.Retain, c.Retain)
	set(&h.MailTo, c.MailTo)
	if h.Name, err = checkText("name", h.Name, 64, false); err != nil {
		return err
	}
	if err := checkHookEvents(h); err != nil {
		return err
	}
	if err := checkHookWatch(h); err != nil {
		return err
	}
	if err := s.checkHookSchedule(h, c); err != nil {
		return err
	}
	if len(h.Template) > maxHookTemplate {
		return invalid("template", "api.hook.text", "limit", maxHookTemplate)
	}
	if _, err := filling.Parse(h.Template); err != nil {
		return invalid("template", "api.hook.template", "cause", err)
	}
	if h.Action != HookPost {
		h.URL, h.Sealed = "", nil
	}
	if h.Action != HookPublish {
		h.Topic, h.QoS, h.Retain = "", 1, false
	}
	if h.Action != HookMail {
		h.MailTo = nil
	}
	switch h.Action {
	case HookPost:
		return s.checkHookPost(h, c, was)
	case HookPublish:
		return checkHookPublish(h)
	case HookMail:
		return checkHookMail(r, in, h)
	}
	return invalid("action", "api.hook.action")
}

// hookEvents are all that there are.
var hookEvents = []HookEvent{HookMessage, HookConnect, HookDisconnect, HookQuota, HookSchedule, HookSilence, HookBack}

func checkHookEvents(h *Hook) error {
	slices.Sort(h.Events)
	h.Events = slices.Compact(h.Events)
	for _, e := range h.Events {
		if !slices.Contains(hookEvents, e) {
			return invalid("events", "api.hook.events")
		}
	}
	if len(h.Events) == 0 {
		return invalid("events", "api.hook.events")
	}
	if slices.Contains(h.Events, HookSchedule) && len(h.Events) > 1 {
		return invalid("events", "api.hook.schedule_alone")
	}
	if i := slices.Index(h.Events, HookSilence); i < 0 && slices.Contains(h.Events, HookBack) ||
		i >= 0 && slices.ContainsFunc(h.Events, func(e HookEvent) bool { return e != HookSilence && e != HookBack }) {
		return invalid("events", "api.hook.silence_alone")
	}
	if !slices.Contains(h.Events, HookMessage) && !slices.Contains(h.Events, HookSilence) {
		h.Filter = ""
	} else if f, err := topic.ParseFilter(h.Filter); err != nil || f.Share != "" || strings.HasPrefix(h.Filter, "$") || len(h.Filter) > 1024 {
		return invalid("filter", "api.hook.filter")
	}
	if !slices.Contains(h.Events, HookConnect) && !slices.Contains(h.Events, HookDisconnect) {
		h.Client = ""
	}
	if len(h.Client) > maxHookText || !plainText(h.Client) || strings.Contains(strings.TrimSuffix(h.Client, "*"), "*") {
		return invalid("client", "api.hook.client")
	}
	return nil
}

// checkHookPost judges where a hook calls to. The address that it had before stays, though it may not be reached any more:
// else nothing of such a hook could be changed.
func (s *Service) checkHookPost(h *Hook, c HookChange, was string) error {
	h.URL = strings.TrimSpace(h.URL)
	u, err := url.Parse(h.URL)
	if err != nil || len(h.URL) > maxHookURL || !plainText(h.URL) || u.Hostname() == "" || u.User != nil || u.Fragment != "" || u.Opaque != "" ||
		u.Scheme != "https" && u.Scheme != "http" {
		return invalid("url", "api.hook.url")
	}
	if n, err := strconv.Atoi(u.Port()); u.Port() != "" && (err != nil || n < 1 || n > 65535) {
		return invalid("url", "api.hook.url")
	}
	if u.Scheme == "http" && !s.o.HookPlain {
		return invalid("url", "api.hook.plain")
	}
	if h.URL != was && !s.o.HookReach.may(u) {
		return invalid("url", "api.hook.inner", "address", u.Hostname())
	}
	if c.Authorization == nil && len(h.Sealed) > 0 {
		return nil
	}
	secrets, err := s.HookSecrets(*h)
	if err != nil {
		return err
	}
	if secrets.Signing == "" {
		secrets.Signing = newSigning()
	}
	if c.Authorization != nil {
		if secrets.Authorization = *c.Authorization; len(secrets.Authorization) > 1024 || !plainText(secrets.Authorization) {
			return invalid("authorization", "api.hook.text", "limit", 1024)
		}
	}
	h.Sealed, err = s.sealHook(*h, secrets)
	return err
}

func checkHookPublish(h *Hook) error {
	if h.Topic == "" || len(h.Topic) > 1024 || strings.ContainsAny(h.Topic, "+#") || strings.HasPrefix(h.Topic, "$") || !plainText(h.Topic) {
		return invalid("topic", "api.hook.topic")
	}
	if _, err := filling.Parse(h.Topic); err != nil {
		return invalid("topic", "api.hook.template", "cause", err)
	}
	if h.QoS < 0 || h.QoS > 2 {
		return invalid("qos", "api.hook.qos")
	}
	if h.Template == "" && slices.Contains(h.Events, HookSchedule) {
		return invalid("template", "api.hook.payload")
	}
	// What the rule would set off again and again is refused where it can be seen; at run time a message goes through
	// the same rule once.
	if !strings.Contains(h.Topic, "{") && h.Filter != "" && topic.Match(h.Filter, h.Topic) {
		return invalid("topic", "api.hook.loop")
	}
	return nil
}

func checkHookMail(r Reader, in Instance, h *Hook) error {
	people, err := peopleOf(r, in)
	if err != nil {
		return err
	}
	if len(h.MailTo) == 0 || len(h.MailTo) > 20 {
		return invalid("mail_to", "api.hook.mail_to")
	}
	for i, to := range h.MailTo {
		h.MailTo[i] = strings.ToLower(strings.TrimSpace(to))
		if !slices.ContainsFunc(people, func(a Account) bool { return a.Email == h.MailTo[i] }) {
			return invalid("mail_to", "api.hook.mail_to")
		}
	}
	slices.Sort(h.MailTo)
	h.MailTo = slices.Compact(h.MailTo)
	return nil
}
