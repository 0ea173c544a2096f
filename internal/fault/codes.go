package fault

// Faults of any connection that goes out.
const (
	Name      Code = "name"      // no such name
	Inner     Code = "inner"     // an address that may not be reached
	Closed    Code = "closed"    // nobody listens
	Silent    Code = "silent"    // no answer in time
	Broken    Code = "broken"    // it worked, and broke off
	NoTLS     Code = "no_tls"    // the port does not speak TLS
	Authority Code = "authority" // the certificate is signed by nobody who is trusted
	Host      Code = "host"      // the certificate is of another name
	Expired   Code = "expired"   // the certificate's time is over, or not come
	TLS       Code = "tls"       // TLS fails otherwise
)

// Faults of the way to the own instance.
const (
	NoBroker         Code = "no_broker"
	Rights           Code = "rights"
	HereRefuses      Code = "here_refuses"
	HereEnded        Code = "here_ended"
	HereSubscription Code = "here_subscription"
	HereMessage      Code = "here_message"
	Ended            Code = "ended"
)

// Faults of bridges.
const (
	Roots             Code = "roots"
	Login             Code = "login"
	Refused           Code = "refused"
	Dismissed         Code = "dismissed"
	Pings             Code = "pings"
	Speech            Code = "speech"
	Echoes            Code = "echoes"
	Forgotten         Code = "forgotten"
	MostQoS           Code = "most_qos"
	ThereFull         Code = "there_full"
	HereFull          Code = "here_full"
	ThereSubscription Code = "there_subscription"
	ThereRefused      Code = "there_refused"
	HereRefused       Code = "here_refused"
	InNowhere         Code = "in_nowhere"
	OutNowhere        Code = "out_nowhere"
	InLarge           Code = "in_large"
	OutLarge          Code = "out_large"
)

// Faults of webhooks and rules.
const (
	Status         Code = "status"
	Late           Code = "late"
	Redirects      Code = "redirects"
	RedirectLoses  Code = "redirect_loses"
	RedirectPlain  Code = "redirect_plain"
	Missing        Code = "missing"
	TextLong       Code = "text_long"
	Topic          Code = "topic"
	TopicReserved  Code = "topic_reserved"
	Circle         Code = "circle"
	RulesTooMany   Code = "rules_too_many"
	TopicsTooMany  Code = "topics_too_many"
	Missed         Code = "missed"
	Readers        Code = "readers"
	Mail           Code = "mail"
	LettersFull    Code = "letters_full"
	LetterNotKept  Code = "letter_not_kept"
	CallsUsedUp    Code = "calls_used_up"
	LetterUnusable Code = "letter_unusable"
)

// sentences are what is stored and logged. A place stands between words or in quotes, so that it is found again.
var sentences = map[Code]string{
	Name:      "the name of the address is not known to the DNS",
	Inner:     "the address is one that may not be reached from here",
	Closed:    "nothing listens at the address",
	Silent:    "no answer came in time",
	Broken:    "the connection broke off",
	NoTLS:     "the port of the address does not speak TLS",
	Authority: "the certificate is signed by an authority that is not trusted here",
	Host:      "the certificate is for another name",
	Expired:   "the certificate is not valid now",
	TLS:       "TLS fails",

	NoBroker:         "the instance's broker is not there",
	Rights:           "the rights on the instance can't be read",
	HereRefuses:      "this instance refuses the connection",
	HereEnded:        "this instance ended the connection",
	HereSubscription: "this instance refused subscription {n} with reason {reason}",
	HereMessage:      "this instance does not take the message",
	Ended:            "the connection has ended",

	Roots:             "the authorities given for this bridge hold no certificate (PEM)",
	Login:             "the other broker does not let the bridge in (reason {reason})",
	Refused:           "the other broker refuses the connection (reason {reason})",
	Dismissed:         "the other broker ended the connection (reason {reason})",
	Pings:             "the other broker does not answer pings",
	Speech:            "what answers is no MQTT broker of this version, or breaks the protocol",
	Echoes:            "topics of this bridge go both ways, and the remote broker would send everything back: use MQTT 5.0, or topics that don't overlap",
	Forgotten:         "the instance has forgotten the bridge's session",
	MostQoS:           "the remote broker takes QoS {qos} at most: set the QoS of the bridge's topics to that",
	ThereFull:         "a message was refused for now and is tried again, for the remote broker has no room",
	HereFull:          "a message was refused for now and is tried again, for this instance has no room",
	ThereSubscription: "the remote broker refused subscription {n} with reason {reason}",
	ThereRefused:      "a message was refused by the remote broker with reason {reason}",
	HereRefused:       "a message that came in was refused by this instance with reason {reason}",
	InNowhere:         `a message on "{topic}" was not taken, for no line of the bridge has its topic any more, or its new topic would not be valid`,
	OutNowhere:        `a message on "{topic}" was not sent, for no line of the bridge has its topic any more, or its new topic would not be valid`,
	InLarge:           `a message on "{topic}" was not taken, for it is larger than the {bytes} bytes that this instance takes`,
	OutLarge:          `a message on "{topic}" was not sent, for it is larger than the {bytes} bytes that the remote broker takes`,

	Status:         "the receiver answered {status}",
	Late:           "the receiver did not answer in time",
	Redirects:      "too many redirects",
	RedirectLoses:  "it answers with a redirect by which the message would be lost; use the address that it names",
	RedirectPlain:  "it answers with a redirect to an address without TLS",
	Missing:        "{place}: the message lacks it",
	TextLong:       "the text that the template makes is longer than {bytes} bytes",
	Topic:          "the topic that the rule makes can't be published to",
	TopicReserved:  "topics that begin with $ are the server's",
	Circle:         "the message has been through this rule before: it goes in a circle",
	RulesTooMany:   "the message has been through too many rules",
	TopicsTooMany:  `it follows at most {most} topics, and "{topic}" is one more: narrow the filter, or let its topics count as one`,
	Missed:         "{time} was left out: the server was not running, or this rule could not work then",
	Readers:        "nobody whom the rule writes to belongs to the instance any more; choose other readers",
	Mail:           "the mail could not be sent",
	LettersFull:    "the list of dead letters is full: deliver or delete some",
	LetterNotKept:  "the event could not be kept among the dead letters",
	CallsUsedUp:    "the calls that the plan allows in a minute are used up; try again in a moment",
	LetterUnusable: "this dead letter can't be read any more",
}
