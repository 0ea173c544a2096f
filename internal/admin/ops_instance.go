package admin

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxPayload is how much of a payload one call of the API takes, in bytes of text.
const maxPayload = 64 << 10

// instanceOps are the operations about an instance as a whole, its messages, numbers and log.
func instanceOps() []operation {
	const one = "GET /instances/INSTANCE"
	lossCols := "CLIENT=client_id USER=user GONE=gone LOST=count CAUSE=cause LAST=last SETTING=setting KEEP=keep"
	logCols := "ID=id TIME=time KIND=kind CLIENT=client USER=user FROM=remote TOPIC=topic CAUSE=cause"
	part := opt("query", text, "part of the client id, user or address; case is ignored [all]")
	clients := view{cols: "CLIENT=client_id USER=user CONNECTED=connected SINCE=since FROM=remote VIA=via SUBSCRIPTIONS=subscriptions QUEUE=queue LOST=lost",
		page: "cursor", most: 10_000, tidy: countedSubscriptions}
	logOptions := []option{opt("kind", text, "connected, disconnected, refused, denied, dropped, takeover or fight [all]"),
		opt("query", text, "part of client, user, topic, address, rule or cause [all]")}
	return []operation{
		op("instance create", "", "POST /instances", "make an instance; prints its first user's password",
			view{cols: "INSTANCE=id NAME=name PLAN=plan REGION=region USER=user PASSWORD=password", tidy: withPassword},
			opt("name", text, "name").needed(), opt("owner", text, "account, by e-mail or id [the owner of the installation]").as("@"),
			opt("region", text, "region [the first]"), opt("plan", text, "plan [the default plan]")),
		op("instance list", "", "GET /instances", "list instances", view{cols: "ID=id NAME=name PLAN=plan REGION=region OWNER=owner CREATED=created_at", bare: true},
			opt("account", text, "those of an account, by e-mail or id [everybody's]").as("@")),
		op("instance show", "INSTANCE", one, "show an instance with its addresses", view{}),
		op("instance rename", "INSTANCE NAME", "PATCH /instances/INSTANCE", "give an instance another name", view{cols: "INSTANCE=id NAME=name PLAN=plan"}),
		op("instance plan", "INSTANCE PLAN", "PATCH /instances/INSTANCE", "put an instance on another plan; its bounds hold at once", view{cols: "INSTANCE=id NAME=name PLAN=plan"}),
		op("instance move", "INSTANCE ACCOUNT=team", "POST /instances/INSTANCE/move", "hand an instance to another account, by e-mail or id", view{cols: "INSTANCE=id NAME=name"}),
		op("instance password", "INSTANCE", "POST /instances/INSTANCE/password/reveal", "print the first user's password", view{only: "password", tidy: withInstance},
			opt("rotate", yes, "make a new one; clients with the old one are disconnected")).with(fields{"password": ""}).
			or("rotate", "POST /instances/INSTANCE/password/rotate"),
		op("instance key", "INSTANCE", "POST /instances/INSTANCE/key/reveal", "print the API key, for what was made for CloudMQTT", view{only: "key"},
			opt("rotate", yes, "make a new one; the one before ends")).with(fields{"password": ""}).or("rotate", "POST /instances/INSTANCE/key/rotate"),
		op("instance restart", "INSTANCE", "POST /instances/INSTANCE/restart", "end all connections of an instance and load its state anew", view{}),
		op("instance reset", "INSTANCE", "POST /instances/INSTANCE/reset", "forget all sessions, queued and retained messages", view{}).
			really("this forgets all sessions and messages of the instance"),
		op("instance delete", "INSTANCE", "DELETE /instances/INSTANCE", "delete an instance with all that is in it", view{}),

		op("instance stats", "INSTANCE", one+"/stats", "show what an instance does now", view{}),
		op("instance statistics", "INSTANCE", one+"/stats/history", "show its numbers over time, oldest first",
			view{cols: "AT=at CONNECTIONS=connections SESSIONS=sessions IN=messages_in OUT=messages_out BYTES_IN=bytes_in BYTES_OUT=bytes_out QUEUED=queued RETAINED=retained LOST=lost"},
			opt("step", text, "minute (of a day) or hour (of a year) [minute]"), opt("from", text, "not older than this time, such as 2026-11-23T10:00:00Z")),
		op("instance quotas", "INSTANCE", one+"/quotas", "show the limits of its plan and what is used of them", view{cols: "LIMIT=name OF=of USED=used MOST=limit LEVEL=level SINCE=since"}),
		op("instance losses", "INSTANCE", one+"/losses", "show what sessions have lost, why, and which setting would have kept it", view{cols: lossCols, each: "causes", page: "cursor", most: 1000},
			opt("query", text, "part of the client id or user [all]")),
		op("instance fights", "INSTANCE", one+"/fights", "show client ids that several clients use and end each other's connection",
			view{cols: "CLIENT=client_id USERS=users FROM=addresses TAKEOVERS=takeovers SINCE=since LAST=last"}),
		op("instance client-ids", "INSTANCE", one+"/client-ids", "show what becomes of a client that comes with the client id of a connected one", view{cols: "POLICY=policy"}),
		op("instance client-ids-set", "INSTANCE takeover|refuse=policy", "PATCH /instances/INSTANCE/client-ids", "change it: takeover disconnects the connected one, refuse turns the other away",
			view{cols: "POLICY=policy"}),
		op("instance exposures", "INSTANCE", one+"/exposures", "show users whose password came over a connection without TLS, and still holds",
			view{cols: "USER=user CLIENT=client_id FROM=remote TIMES=times FIRST=first_at LAST=last_at"}),
		op("instance why", "INSTANCE ACTION", "POST /instances/INSTANCE/why", "say why a client can or can't connect, publish, subscribe or receive; exits with 1 where it can't",
			view{from: "steps", cols: "GATE=gate OK=ok ANSWER=text RULE=rule", check: stopsAt},
			opt("client", text, "client id"), opt("user", text, "user [that of the client]"), opt("topic", text, "topic, or filter to subscribe to"),
			opt("qos", number, "of a publish"), opt("retain", yes, "of a publish")),

		op("instance billing", "INSTANCE", one+"/billing", "show how an instance is paid for", view{}),
		op("instance checkout", "INSTANCE PLAN", "POST /instances/INSTANCE/checkout", "print the address where somebody pays for a plan", view{only: "url"}),
		op("instance portal", "INSTANCE", "POST /instances/INSTANCE/billing-portal", "print the address where card and invoices are", view{only: "url"}),

		op("message publish", "INSTANCE TOPIC PAYLOAD", "POST /instances/INSTANCE/publish", "publish a message; PAYLOAD - is standard input", view{cols: "TOPIC=topic BYTES=bytes"},
			opt("qos", number, "0, 1 or 2"), opt("retain", yes, "keep it for who subscribes later"), opt("expiry", number, "seconds after which nobody gets it any more [never]"),
			opt("content-type", text, "of the payload"), opt("response-topic", text, "where an answer is expected"), opt("correlation", text, "correlation data, in base64"),
			opt("property", each, "user property, name=value; may be given again").as("properties")).after(payload),
		op("message subscribe", "INSTANCE FILTER", one+"/subscribe", "print messages as they come, retained ones first", view{feed: ".", cols: "TOPIC=topic PAYLOAD=payload"}),
		op("topic watch", "INSTANCE FILTER", one+"/topics/stream", "print topics as they change, with their last message and publisher",
			view{feed: "topics", cols: "TOPIC=topic MESSAGES=messages PUBLISHER=publisher PAYLOAD=payload"}),
		op("retained list", "INSTANCE", one+"/retained", "list retained messages by topic",
			view{cols: "TOPIC=topic QOS=qos BYTES=size PUBLISHER=publisher EXPIRES_IN=expires_in PAYLOAD=payload", page: "cursor", most: 1000},
			opt("filter", text, "topic filter [#]"), opt("query", text, "part of the topic")),
		op("retained get", "INSTANCE TOPIC", one+"/retained/value", "print the payload of a retained message, as it is", view{raw: true}),
		op("retained delete", "INSTANCE FILTER", "POST /instances/INSTANCE/retained/clear", "delete retained messages, at most 10,000 at a time", view{cols: "COUNT=count MORE=more"},
			opt("dry-run", yes, "only count them")),

		op("connection kick", "INSTANCE CLIENT", "DELETE /instances/INSTANCE/connections/CLIENT", "end the connection of a client; its session stays", view{}),
		op("retained times", "INSTANCE", one+"/retained-expiry", "list how long retained messages stay whose publishers gave them no time", view{from: "filters", cols: "FILTER=filter SECONDS=seconds"}),
		op("retained expire", "INSTANCE", "PATCH /instances/INSTANCE/retained-expiry", "set how long they stay, in place of all that was set before; of several filters that match, the first holds",
			view{from: "filters", cols: "FILTER=filter SECONDS=seconds"},
			opt("time", each, "FILTER=SECONDS; may be given again").as("filters").reading(retainTime), opt("none", yes, "they stay for ever")).after(retainTimes),

		op("connection list", "INSTANCE", one+"/sessions", "list the connected clients", clients, part).with(fields{"state": "connected"}),
		op("session list", "INSTANCE", one+"/sessions", "list the sessions, of clients that are away too", clients, part),
		op("session show", "INSTANCE CLIENT", one+"/sessions/CLIENT", "show the session of a client, connected or not", view{}),
		op("session forget", "INSTANCE CLIENT", "DELETE /instances/INSTANCE/sessions/CLIENT", "end a session for good, with its connection and what waits for it", view{}),
		op("log show", "INSTANCE", one+"/log", "show the log, newest lines first", view{cols: logCols, page: "before", most: 100, tidy: numberedNext}, logOptions...),
		op("log follow", "INSTANCE", one+"/log/stream", "print lines of the log as they come", view{feed: ".", cols: logCols}),
		op("log server", "", "GET /log", "show refusals where no instance can be told, newest first", view{cols: logCols, page: "before", most: 100, tidy: numberedNext}, logOptions...),
		op("metrics token", "INSTANCE", "POST /instances/INSTANCE/metrics-token", "make the token that reads the instance's metrics; the one before ends", view{only: "token"},
			opt("drop", yes, "only take it back")).or("drop", "DELETE /instances/INSTANCE/metrics-token"),
		op("metrics show", "INSTANCE", one+"/metrics", "print the metrics, in the format of Prometheus", view{raw: true}),

		op("history messages", "INSTANCE", one+"/history/messages", "list kept messages, newest first", view{cols: "ID=id TIME=time TOPIC=topic QOS=qos CLIENT=client PAYLOAD=payload", page: "cursor", most: 100},
			opt("filter", text, "topic or filter [all]"), opt("query", text, "part of topic, payload or client id; case is ignored [all]"), opt("from", text, "not older than this time, such as 2026-11-23T10:00:00Z"), opt("to", text, "not newer than this time")),
		op("history topics", "INSTANCE", one+"/history/topics", "list topics with kept messages", view{cols: "TOPIC=topic MESSAGES=count LAST=last"}),
	}
}

// retainTime reads a filter with its seconds.
func retainTime(text string) (any, error) {
	at := strings.LastIndexByte(text, '=')
	if at <= 0 {
		return nil, errors.New("want FILTER=SECONDS")
	}
	seconds, err := strconv.ParseUint(text[at+1:], 10, 32)
	if err != nil {
		return nil, errors.New("SECONDS is a whole number")
	}
	return fields{"filter": text[:at], "seconds": seconds}, nil
}

// retainTimes wants the times, or that there are none.
func retainTimes(_ *call, body fields) error {
	none := body["none"] == true
	delete(body, "none")
	if _, given := body["filters"]; given == none {
		return &usageError{"want --time, or --none"}
	}
	if none {
		body["filters"] = []any{}
	}
	return nil
}

// stopsAt is what why found, where it doesn't work.
func stopsAt(answer map[string]any) error {
	steps, _ := answer["steps"].([]any)
	if answer["works"] == true || len(steps) == 0 {
		return nil
	}
	last, _ := steps[len(steps)-1].(map[string]any)
	return fmt.Errorf("it stops at the gate %s: %s", plain(last["gate"]), plain(last["text"]))
}

// payload reads "-" from standard input; what is no text is sent as base64. Properties become an object.
func payload(k *call, body fields) error {
	if list, ok := body["properties"].([]any); ok {
		object := fields{}
		for _, one := range list {
			name, value, ok := strings.Cut(plain(one), "=")
			if !ok {
				return &usageError{fmt.Sprintf("--property %q: want name=value", plain(one))}
			}
			object[name] = value
		}
		body["properties"] = object
	}
	if body["payload"] != "-" {
		return nil
	}
	raw, err := io.ReadAll(io.LimitReader(k.in, maxPayload+1))
	if err != nil {
		return fmt.Errorf("read the payload: %w", err)
	}
	sent := string(raw)
	if !utf8.Valid(raw) {
		sent, body["encoding"] = base64.StdEncoding.EncodeToString(raw), "base64"
	}
	if len(sent) > maxPayload {
		return errors.New("the payload is larger than 64 KiB of text, or 48 KiB of anything else: publish it with tsunagi pub")
	}
	body["payload"] = sent
	return nil
}
