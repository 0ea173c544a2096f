package admin

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"tsunagi/internal/account"
)

// The shapes of webhooks and rules; see doc.go.

type hookShape struct {
	ID          string              `json:"id"`
	Name        string              `json:"name"`
	Enabled     bool                `json:"enabled"`
	Events      []account.HookEvent `json:"events"`
	Filter      string              `json:"filter"`
	Client      string              `json:"client"`
	Condition   string              `json:"condition"`
	Action      account.HookAction  `json:"action"`
	URL         string              `json:"url"`
	Topic       string              `json:"topic"`
	Template    string              `json:"template"`
	QoS         int                 `json:"qos"`
	Retain      bool                `json:"retain"`
	MailTo      []string            `json:"mail_to"`
	CreatedAt   time.Time           `json:"created_at"`
	State       string              `json:"state"` // running, retrying, full, waiting or off
	Queued      int                 `json:"queued"`
	LastError   string              `json:"last_error,omitempty"`
	DeadLetters int                 `json:"dead_letters"`
	Secret      string              `json:"secret,omitempty"` // that calls are signed with; when it is made only
}

type deadLetterShape struct {
	ID        int64           `json:"id"`
	Topic     string          `json:"topic"`
	Cause     string          `json:"cause"`
	Attempts  int             `json:"attempts"`
	CreatedAt time.Time       `json:"created_at"`
	Event     json.RawMessage `json:"event"` // as webhooks get it
}

type retriedShape struct {
	Delivered int    `json:"delivered"`
	Failed    int    `json:"failed"`
	Left      int    `json:"left"`
	Cause     string `json:"cause,omitempty"`
}

type triedShape struct {
	Done  bool   `json:"done"`
	Cause string `json:"cause,omitempty"`
	Took  int64  `json:"took"` // ms
	Topic string `json:"topic,omitempty"`
	Body  string `json:"body,omitempty"`
}

type someLetters struct{ IDs []int64 }

type hookSample struct{ Type, Topic, Payload, Client string }

type countShape struct {
	Count int `json:"count"`
}

type secretShape struct {
	Secret string `json:"secret"`
}

// hookCommands are the commands about webhooks and rules.
func hookCommands() []command {
	none := func(*pflag.FlagSet) {}
	some := func(f *pflag.FlagSet) { f.Int64Slice("id", nil, "dead letters, by their ids [all]") }
	return []command{
		{"hook create", "INSTANCE", "make a webhook or a rule; prints what its calls are signed with, once", func(f *pflag.FlagSet) {
			f.String("name", "", "name (needed)")
			hookFlags(f)
		}, createHook},
		{"hook list", "INSTANCE", "list webhooks and rules with their state", none, listHooks},
		{"hook set", "INSTANCE HOOK", "change a webhook or a rule", func(f *pflag.FlagSet) {
			f.String("name", "", "name")
			hookFlags(f)
		}, setHook},
		{"hook delete", "INSTANCE HOOK", "delete a webhook or a rule with what waits for it", none, deleteHook},
		{"hook secret", "INSTANCE HOOK", "make what calls are signed with anew; prints it once", none, rotateHook},
		{"hook test", "INSTANCE HOOK", "carry it out once with a made-up event", func(f *pflag.FlagSet) {
			f.String("event", "", "message, connect, disconnect or quota [its first]")
			f.String("topic", "", "topic of the message")
			f.String("payload", "", "payload of the message")
			f.String("client", "", "client id")
		}, testHook},
		{"hook dead", "INSTANCE HOOK", "list the dead letters: events that were given up", none, listDeadLetters},
		{"hook retry", "INSTANCE HOOK", "try dead letters once more, at most 100 of them; those that arrive are deleted", some, retryDeadLetters},
		{"hook discard", "INSTANCE HOOK", "delete dead letters", some, discardDeadLetters},
	}
}

func hookFlags(f *pflag.FlagSet) {
	f.StringSlice("event", nil, "events: message, connect, disconnect, quota [message]")
	f.String("filter", "", "topics of message")
	f.String("client", "", "client id of connect and disconnect, with * at the end for all that begin so [all]")
	f.String("condition", "", "comparison that an event must fulfil, such as payload.celsius > 30")
	f.String("post", "", "send an HTTP POST to this address")
	f.String("publish", "", "publish to this topic, with places such as {topic[1]}")
	f.StringSlice("mail", nil, "write mail to these people of the instance")
	f.String("template", "", "body of the POST, or payload that is published, with places")
	f.Int("qos", 1, "QoS of what is published")
	f.Bool("retain", false, "what is published is retained")
	f.Bool("authorization-stdin", false, "read the Authorization header of the POST from the first line of standard input")
	f.Bool("enabled", true, "it runs: --enabled or --enabled=false; else messages wait for it")
}

// hookChange is what the flags say.
func (k *call) hookChange() (in account.HookChange, err error) {
	for name, to := range map[string]**string{"name": &in.Name, "filter": &in.Filter, "client": &in.Client, "condition": &in.Condition, "template": &in.Template} {
		if k.flags.Changed(name) {
			*to = new(k.text(name))
		}
	}
	if k.flags.Changed("event") {
		in.Events = new([]account.HookEvent{})
		for _, e := range k.list("event") {
			*in.Events = append(*in.Events, account.HookEvent(e))
		}
	}
	actions := 0
	act := func(flag string, a account.HookAction) bool {
		if !k.flags.Changed(flag) {
			return false
		}
		in.Action, actions = &a, actions+1
		return true
	}
	if act("post", account.HookPost) {
		in.URL = new(k.text("post"))
	}
	if act("publish", account.HookPublish) {
		in.Topic = new(k.text("publish"))
	}
	if act("mail", account.HookMail) {
		in.MailTo = new(k.list("mail"))
	}
	if actions > 1 {
		return in, &usageError{"a rule does one thing: want --post, --publish or --mail"}
	}
	if k.flags.Changed("qos") {
		in.QoS = new(k.number("qos"))
	}
	if k.flags.Changed("retain") {
		in.Retain = new(k.on("retain"))
	}
	if k.flags.Changed("enabled") {
		in.Enabled = new(k.on("enabled"))
	}
	secret, err := k.secret("authorization")
	if secret != "" {
		in.Authorization = &secret
	}
	return in, err
}

func createHook(k *call) error {
	if _, err := k.needed("name"); err != nil {
		return err
	}
	in, err := k.hookChange()
	if err == nil && in.Action == nil {
		err = &usageError{"want --post, --publish or --mail"}
	}
	if err != nil {
		return err
	}
	return k.hook(http.MethodPost, path("instances", k.args[0], "hooks"), in)
}

func setHook(k *call) error {
	in, err := k.hookChange()
	if err == nil && in == (account.HookChange{}) {
		err = &usageError{"nothing to change: see --help"}
	}
	if err != nil {
		return err
	}
	return k.hook(http.MethodPatch, k.hookPath(), in)
}

// hookPath is the path of the hook that the arguments name, and of something of it.
func (k *call) hookPath(more ...string) string {
	return path(append([]string{"instances", k.args[0], "hooks", k.args[1]}, more...)...)
}

// hook asks for one hook and prints it.
func (k *call) hook(method, at string, in any) error {
	var h hookShape
	if err := k.client.call(k.ctx, method, at, in, &h); err != nil {
		return err
	}
	rows := []string{row("hook", h.ID), row("name", h.Name), row("does", h.does())}
	if h.Secret != "" {
		rows = append(rows, row("secret", h.Secret))
	}
	return k.print(h, rows...)
}

// does is in a few words what a hook does.
func (h hookShape) does() string {
	switch h.Action {
	case account.HookPost:
		return "post " + h.URL
	case account.HookPublish:
		return "publish " + h.Topic
	}
	return string(h.Action) + " " + strings.Join(h.MailTo, ",")
}

// hears is in a few words what a hook listens to.
func (h hookShape) hears() string {
	var words []string
	for _, e := range h.Events {
		words = append(words, string(e))
	}
	return strings.TrimSpace(strings.Join(words, ",") + " " + h.Filter)
}

func listHooks(k *call) error {
	var list []hookShape
	if err := k.client.call(k.ctx, http.MethodGet, path("instances", k.args[0], "hooks"), nil, &list); err != nil {
		return err
	}
	rows := []string{row("ID", "NAME", "STATE", "QUEUED", "DEAD", "ON", "DOES")}
	for _, h := range list {
		rows = append(rows, row(h.ID, h.Name, h.State, h.Queued, h.DeadLetters, h.hears(), h.does()))
	}
	return k.print(list, rows...)
}

func deleteHook(k *call) error {
	return k.client.call(k.ctx, http.MethodDelete, k.hookPath(), nil, nil)
}

func rotateHook(k *call) error {
	var out secretShape
	if err := k.client.call(k.ctx, http.MethodPost, k.hookPath("secret"), nil, &out); err != nil {
		return err
	}
	return k.print(out, row("secret", out.Secret))
}

func testHook(k *call) error {
	var out triedShape
	in := hookSample{Type: k.text("event"), Topic: k.text("topic"), Payload: k.text("payload"), Client: k.text("client")}
	if err := k.client.call(k.ctx, http.MethodPost, k.hookPath("test"), in, &out); err != nil {
		return err
	}
	if err := k.print(out, row("done", out.Done), row("milliseconds", out.Took)); err != nil {
		return err
	}
	if !out.Done {
		return fmt.Errorf("it failed: %s", out.Cause)
	}
	return nil
}

func listDeadLetters(k *call) error {
	var list []deadLetterShape
	if err := k.client.call(k.ctx, http.MethodGet, k.hookPath("dead-letters"), nil, &list); err != nil {
		return err
	}
	rows := []string{row("ID", "GIVEN UP", "ATTEMPTS", "TOPIC", "CAUSE")}
	for _, d := range list {
		rows = append(rows, row(d.ID, d.CreatedAt, d.Attempts, d.Topic, d.Cause))
	}
	return k.print(list, rows...)
}

// letters are the dead letters that the flags choose.
func (k *call) letters() (in someLetters, err error) {
	in.IDs, err = k.flags.GetInt64Slice("id")
	return in, err
}

func retryDeadLetters(k *call) error {
	in, err := k.letters()
	if err != nil {
		return err
	}
	var out retriedShape
	if err := k.client.call(k.ctx, http.MethodPost, k.hookPath("dead-letters", "retry"), in, &out); err != nil {
		return err
	}
	if err := k.print(out, row("delivered", out.Delivered), row("failed", out.Failed), row("left", out.Left)); err != nil {
		return err
	}
	if out.Failed > 0 {
		return fmt.Errorf("%d failed: %s", out.Failed, out.Cause)
	}
	return nil
}

func discardDeadLetters(k *call) error {
	in, err := k.letters()
	if err != nil {
		return err
	}
	var out countShape
	if err := k.client.call(k.ctx, http.MethodPost, k.hookPath("dead-letters", "discard"), in, &out); err != nil {
		return err
	}
	return k.print(out, row("deleted", out.Count))
}
