package admin

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// linkOps are the operations about what joins an instance to others: names, bridges, webhooks and rules.
func linkOps() []operation {
	const bridges, hooks = "/instances/INSTANCE/bridges", "/instances/INSTANCE/hooks"
	bridgeCols := "ID=id NAME=name STATE=state.state ADDRESS=address QUEUED=state.queued SENT=state.sent RECEIVED=state.received LAST_ERROR=state.last_error"
	bridgeOptions := []option{opt("address", text, "the other broker, such as mqtts://example.org:8883"), opt("user", text, "user there"), opt("password", secret, "its password"),
		opt("client-id", text, "client id there"), opt("version", text, "of MQTT: 5.0 or 3.1.1"), opt("roots", text, "file text of the authorities that are trusted there (PEM) [the public ones]"),
		opt("keep-alive", number, "seconds"), opt("enabled", yes, "it runs: --enabled or --enabled=false"),
		opt("topic", each, "as in mosquitto.conf: FILTER [in|out|both [QOS [LOCAL-PREFIX [REMOTE-PREFIX]]]]; may be given again").as("topics").reading(bridgeTopic)}
	hookOptions := []option{opt("event", words, "events: message, connect, disconnect, quota; or schedule; or silence, back [message]").as("events"),
		opt("filter", text, "topics of message and silence"),
		opt("client", text, "client id of connect and disconnect, with * at the end for all that begin so [all]"),
		opt("condition", text, "comparison that an event must fulfil, such as payload.celsius > 30 or payload.state changed"),
		opt("edge", yes, "a message is told only when the condition becomes true"), opt("rearm", text, "with --edge: comparison after which it can become true again"),
		opt("quiet", number, "seconds in which at most one event is told"), opt("together", yes, "the topics of the filter count as one"),
		opt("silence", number, "with --event silence: seconds without a message"),
		opt("schedule", text, "with --event schedule: '0 23 * * mon-fri', 'every 15m' or 'at 2026-12-24T18:00'"), opt("zone", text, "time zone of --schedule, such as Europe/Berlin [UTC]"),
		opt("post", text, "send an HTTP POST to this address").as("url"),
		opt("publish", text, "publish to this topic, with places such as {topic[1]}").as("topic"), opt("mail", words, "write mail to these people of the instance").as("mail_to"),
		opt("template", text, "body of the POST, payload that is published, or text of the mail, with places"), opt("qos", number, "QoS of what is published"),
		opt("retain", yes, "what is published is retained"), opt("authorization", secret, "the Authorization header of the POST"),
		opt("enabled", yes, "it runs: --enabled or --enabled=false; else messages wait for it")}
	hookOne := "HOOK=id NAME=name DOES=does SECRET=secret"
	some := opt("id", words, "dead letters, by their ids [all]").as("ids")
	nameCols := "NAME=name PROVEN=proven TXT_RECORD=txt_name SAYS=txt_value CERTIFICATE=certificate.state PROBLEM=certificate.problem LAPSES=lapses_at"
	const names = "/instances/INSTANCE/host-names"
	return []operation{
		op("host-name add", "INSTANCE NAME", "POST "+names, "add a name of your own; it leads to the instance once its TXT record was seen", view{cols: nameCols}),
		op("host-name list", "INSTANCE", "GET "+names, "list names of your own, with the records that they need", view{cols: nameCols}),
		op("host-name check", "INSTANCE NAME", "POST "+names+"/NAME/check", "look at a name's records now, and say what is missing", view{}),
		op("host-name delete", "INSTANCE NAME", "DELETE "+names+"/NAME", "take a name away; it leads to the instance no more", view{}),

		op("bridge create", "INSTANCE", "POST "+bridges, "make a bridge to another broker; it starts at once", view{cols: bridgeCols},
			append([]option{opt("name", text, "name").needed()}, bridgeOptions...)...),
		op("bridge list", "INSTANCE", "GET "+bridges, "list bridges with their state", view{cols: bridgeCols}),
		op("bridge show", "INSTANCE BRIDGE", "GET "+bridges+"/BRIDGE", "show a bridge", view{}),
		op("bridge set", "INSTANCE BRIDGE", "PATCH "+bridges+"/BRIDGE", "change a bridge; what is waiting goes on waiting", view{cols: bridgeCols},
			append([]option{opt("name", text, "name")}, bridgeOptions...)...),
		op("bridge delete", "INSTANCE BRIDGE", "DELETE "+bridges+"/BRIDGE", "delete a bridge with what waits for it", view{}),
		op("bridge state", "INSTANCE BRIDGE", "GET "+bridges+"/BRIDGE/state", "show how a bridge is", view{}),
		op("bridge test", "INSTANCE BRIDGE", "POST "+bridges+"/BRIDGE/test", "connect to the other broker as the bridge would; exits with 1 where it does not get through",
			view{from: "steps", cols: "STAGE=stage OK=ok PROBLEM=problem CAUSE=cause", check: bridgeFails}),

		op("hook create", "INSTANCE", "POST "+hooks, "make a webhook or a rule; prints what its calls are signed with, once", view{cols: hookOne, tidy: hookAsBefore},
			append([]option{opt("name", text, "name").needed()}, hookOptions...)...).after(hookMade),
		op("hook list", "INSTANCE", "GET "+hooks, "list webhooks and rules with their state",
			view{cols: "ID=id NAME=name STATE=state QUEUED=queued DEAD=dead_letters ON=on DOES=does", bare: true, tidy: hookAsBefore}),
		op("hook show", "INSTANCE HOOK", "GET "+hooks+"/HOOK", "show a webhook or a rule", view{}),
		op("hook set", "INSTANCE HOOK", "PATCH "+hooks+"/HOOK", "change a webhook or a rule", view{cols: hookOne, tidy: hookAsBefore},
			append([]option{opt("name", text, "name")}, hookOptions...)...).after(hookAction),
		op("hook delete", "INSTANCE HOOK", "DELETE "+hooks+"/HOOK", "delete a webhook or a rule with what waits for it", view{}),
		op("hook secret", "INSTANCE HOOK", "POST "+hooks+"/HOOK/secret", "make what calls are signed with anew; prints it once", view{cols: "SECRET=secret"}),
		op("hook test", "INSTANCE HOOK", "POST "+hooks+"/HOOK/test", "carry it out once with a made-up event", view{cols: "DONE=done MILLISECONDS=took", check: hookFails},
			opt("event", text, "message, connect, disconnect, quota, schedule, silence or back [its first]").as("type"), opt("topic", text, "topic of the message"),
			opt("payload", text, "payload of the message"), opt("client", text, "client id")),
		op("hook dead", "INSTANCE HOOK", "GET "+hooks+"/HOOK/dead-letters", "list the dead letters: events that were given up",
			view{cols: "ID=id GIVEN_UP=created_at ATTEMPTS=attempts TOPIC=topic CAUSE=cause", bare: true, page: "cursor", tidy: numberedID}),
		op("hook retry", "INSTANCE HOOK", "POST "+hooks+"/HOOK/dead-letters/retry", "try dead letters once more, at most 100 of them; those that arrive are deleted",
			view{cols: "DELIVERED=delivered FAILED=failed LEFT=left", check: retryFails}, some),
		op("hook discard", "INSTANCE HOOK", "POST "+hooks+"/HOOK/dead-letters/delete", "delete dead letters", view{cols: "DELETED=count"}, some),
		op("hook readers", "INSTANCE", "GET /instances/INSTANCE/hook-readers", "list the addresses that a rule can write mail to", view{cols: "E-MAIL="}),
	}
}

// bridgeTopic reads a topic of a bridge as mosquitto.conf writes it.
func bridgeTopic(line string) (any, error) {
	parts := strings.Fields(line)
	if len(parts) == 0 || len(parts) > 5 {
		return nil, errors.New("want FILTER [in|out|both [QOS [LOCAL-PREFIX [REMOTE-PREFIX]]]]")
	}
	t := fields{"filter": unquoted(parts[0]), "direction": "out"}
	for i, field := range []string{"filter", "direction", "qos", "local", "remote"} {
		if i == 0 || i >= len(parts) {
			continue
		}
		if t[field] = unquoted(parts[i]); field == "qos" {
			qos, err := strconv.Atoi(parts[i])
			if err != nil || qos < 0 || qos > 2 {
				return nil, errors.New("QOS is 0, 1 or 2")
			}
			t[field] = qos
		}
	}
	if !slices.Contains([]any{"in", "out", "both"}, t["direction"]) {
		return nil, errors.New("a topic goes in, out or both")
	}
	return t, nil
}

// unquoted makes "" nothing, as in mosquitto.conf.
func unquoted(word string) string {
	if word == `""` {
		return ""
	}
	return word
}

func bridgeFails(answer map[string]any) error {
	if answer["works"] == true {
		return nil
	}
	return errors.New("the bridge does not get through")
}

// hookAction says what a rule does by what was given of it.
func hookAction(_ *call, body fields) error {
	actions := 0
	for field, action := range map[string]string{"url": "post", "topic": "publish", "mail_to": "mail"} {
		if _, ok := body[field]; ok {
			body["action"], actions = action, actions+1
		}
	}
	if actions > 1 {
		return &usageError{"a rule does one thing: want --post, --publish or --mail"}
	}
	return nil
}

func hookMade(k *call, body fields) error {
	err := hookAction(k, body)
	if err == nil && body["action"] == nil {
		err = &usageError{"want --post, --publish or --mail"}
	}
	return err
}

func hookFails(answer map[string]any) error {
	if answer["done"] == true {
		return nil
	}
	return fmt.Errorf("it failed: %s", plain(answer["cause"]))
}

func retryFails(answer map[string]any) error {
	if failed := plain(answer["failed"]); failed != "0" {
		return fmt.Errorf("%s failed: %s", failed, plain(answer["cause"]))
	}
	return nil
}
