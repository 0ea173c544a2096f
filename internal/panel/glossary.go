package panel

import "github.com/danielgtaylor/huma/v2"

// glossary describes fields that are called the same wherever they stand; what a tag says of one goes before it. A name
// with a type before it is that type's alone.
var glossary = map[string]string{
	"items": "Entries of this page, or of the list", "id": "Identifier; it never changes", "name": "Name, as people see it", "note": "Remark for people", "type": "Kind, one of a fixed set",
	"created_at": "When it was made", "expires_at": "When it ends", "used_at": "Last use", "since": "Since when", "last": "Last time", "time": "When it happened", "first_at": "First time",
	"last_at": "Last time", "connected_at": "When the connection was made", "revoked_at": "When it was revoked", "started_at": "When it was started", "ended_at": "When the connection ended",
	"deployed_at": "When it was deployed", "deployed_by": "Who deployed it", "proven_at": "When it was proven to be yours; absent: not yet", "not_after": "Until when it holds",
	"last_error_at": "When it failed last", "error_at": "When it failed last", "next_try": "When it is tried again", "expires": "When it ends", "day": "Day, in UTC",
	"password": "Password; it is never answered again unless asked for", "old": "Password until now", "new": "Password from now on", "token": "Secret of a link or a token", "secret": "Secret; it is shown once",
	"ticket": "Text of the answer before, which this one continues", "code": "Code that was sent, shown or typed", "apikey": "API key of the instance", "email": "E-mail address",
	"language": "Language of texts and mails: en or ja", "languages": "Languages of texts", "user": "Name of the MQTT user; empty or null: none", "username": "Name of the MQTT user; null: all users",
	"client": "MQTT client id", "client_id": "MQTT client id", "topic": "MQTT topic", "topics": "What goes over it", "filter": "MQTT topic filter", "filters": "MQTT topic filters", "pattern": "MQTT topic filter",
	"payload": "Content of the message", "qos": "MQTT quality of service: 0, 1 or 2", "max_qos": "Highest quality of service that the rule lets through", "retain": "Whether the message is kept as the last of its topic",
	"response_topic": "Topic that an answer is wanted at", "read": "Whether it may subscribe", "write": "Whether it may publish", "acls": "Rules of the user", "effect": "allow or deny",
	"access": "publish, subscribe or both", "connect": "Whether it may connect", "version": "Version of the program or protocol", "protocol": "Way in: mqtts, wss and so on", "tls": "Version of TLS; empty: none",
	"keepalive": "Seconds; 0: none", "subscriptions": "Subscriptions", "sessions": "Sessions, of clients that are away too", "web_connections": "Connected web clients of the panel",
	"connection_limit": "Clients that may be connected at a time; 0: no limit", "messages": "Messages", "messages_in": "Messages from clients", "messages_out": "Messages to clients", "retained": "Retained messages",
	"retained_bytes": "Bytes of retained messages", "retained_messages": "Retained messages that there may be", "queue_bytes": "Bytes that wait", "queued_bytes": "Bytes that wait", "bytes": "Bytes",
	"most_waiting": "Messages that may wait", "most_bytes": "Bytes that may wait", "received": "Messages that came", "count": "How many", "used": "How much is used", "seconds": "Seconds", "attempts": "Tries so far",
	"url": "Address", "host": "Host name or address", "address": "Address, with scheme and port where it has them", "port": "TCP port", "ssl_port": "TCP port of MQTT over TLS", "websocket_port": "TCP port of WebSockets",
	"websocket_path": "Path of WebSockets", "server": "Host name that clients use", "remote": "Address of the peer", "provider": "Which provider; see status", "plan": "Id of the plan", "region": "Id of the region",
	"instance": "Id of the instance", "instances": "Instances", "flow_servers": "Hosted flow servers", "device": "Id of the device", "devices": "Paired devices", "users": "MQTT users", "rule": "Rule that decided",
	"rules": "Access rules", "hooks": "Webhooks and rules", "bridges": "Bridges", "client_authorities": "Authorities of client certificates", "token_keys": "Keys that judge tokens",
	"publishable_keys": "Keys for web pages", "authority": "Id of the authority", "issuer": "Who issued it", "names": "Names that it holds for", "pem": "Certificate in PEM", "origins": "Origins of pages that may use it",
	"metrics_token": "There is a token that reads metrics", "token_user": "Claim that names the user", "token_issuer": "Issuer that tokens must have", "token_audience": "Audience that tokens must have", "state": "How it is", "status": "HTTP status", "detail": "In words",
	"cause": "Why, in words", "causes": "Why, with how many", "reason": "Reason code of MQTT, in words", "why": "Words of the operator", "gate": "Which check refused", "kind": "Kind, one of a fixed set", "message": "In words, in the language of the request",
	"location": "Which part of the request", "action": "What is done", "condition": "What must hold for it to be done", "template": "What is sent, with places to be filled in", "mail_to": "E-mail addresses",
	"ok": "Whether it went well", "works": "Whether it works", "healthy": "Whether it works", "online": "Whether it is connected", "connected": "Whether it is connected", "enabled": "Whether it is switched on", "ready": "Always true: there is nothing to wait for",
	"applied": "Whether anything was made", "default": "Whether it is taken where none is chosen", "you": "Whether it is who asks", "nodes": "Nodes", "added": "Nodes that are new", "removed": "Nodes that are gone", "changed": "Nodes that are different",
	"role": "Role in the team", "scope": "read: looks only; manage: changes, too; publish, subscribe, publish-subscribe: messages of one instance on some topics, and nothing else", "encoding": "Of the payload", "via": "Way in", "stage": "How far it came", "signup": "Who may make an account",
	"until": "Until when", "ban": "Shut an address out after too many different wrong logins", "limit": "At most so many", "cursor": "From the answer before: next", "z": "Id of the tab", "rev": "Revision of the flows", "machine": "What it runs on", "cpus": "Processors", "free": "Free bytes",

	"PlanBody.name": "Name of the plan", "Problem.type": "about:blank, as RFC 9457 has it: code tells more", "BridgeBody.user": "User name at the other broker", "BridgeChangeBody.user": "User name at the other broker",
	"ChangeLoginsInputBody.password": "Whether passwords let in", "ChangeLoginsInputBody.token": "Whether signed tokens let in", "CompatInstance.instance": "The id as it is everywhere else",
	"CompatInstance.id": "The id as a number", "DeadLetterBody.topic": "Topic of the event", "HostCheckBody.name": "Host name", "HostNameBody.name": "Host name", "Add-host-nameRequest.name": "Host name",
}

// explain describes the fields and parameters of the document that no tag describes.
func explain(doc *huma.OpenAPI) {
	for name, schema := range doc.Components.Schemas.Map() {
		for field, of := range schema.Properties {
			if of.Description != "" || of.Ref != "" {
				continue
			}
			if of.Description = glossary[name+"."+field]; of.Description == "" {
				of.Description = glossary[field]
			}
		}
	}
	for _, path := range doc.Paths {
		for _, op := range operationsOf(path) {
			for _, param := range op.Parameters {
				if param.Description == "" && param.In == "query" {
					param.Description = glossary[param.Name]
				}
			}
		}
	}
}
