package account

import "time"

// Hook does something with messages of an instance, or when clients come and go. Primary key (Instance, ID); parent
// Instance.
type Hook struct {
	Instance  string
	ID        string // random
	Name      string
	Enabled   bool // it runs; otherwise messages wait for it
	Events    []HookEvent
	Filter    string // topics of HookMessage and HookSilence
	Client    string // client id of HookConnect and HookDisconnect, with * at the end for all that begin so; "": all
	Condition string // comparison that an event must fulfil, or for HookSilence a message that counts; "": none
	Edge      bool   // a message is told only when Condition becomes true
	Rearm     string // with Edge: comparison after which Condition can become true again; "": when it doesn't hold any more
	Quiet     int    // seconds in which at most one event is told; 0: all are
	Together  bool   // the topics of Filter count as one; otherwise each has its own Edge, Quiet and Silence
	Silence   int    // seconds without a message of HookSilence
	Schedule  string // times of HookSchedule, as package timetable reads them
	Zone      string // time zone of Schedule; "": UTC
	Action    HookAction
	URL       string   // of HookPost
	Sealed    []byte   // of HookPost: HookSecrets under the key file
	Topic     string   // of HookPublish, a template
	Template  string   // of HookPost and HookPublish: the body; "": what is usual
	QoS       int      // of HookPublish
	Retain    bool     // of HookPublish
	MailTo    []string // of HookMail: e-mail addresses of people of the instance
	CreatedAt time.Time
}

// HookEvent is what a hook listens to.
type HookEvent string

// The events.
const (
	HookMessage    HookEvent = "message"
	HookConnect    HookEvent = "connect"
	HookDisconnect HookEvent = "disconnect"
	HookQuota      HookEvent = "quota"    // 75 or 100 % of a limit of the plan are used
	HookSchedule   HookEvent = "schedule" // a time has come; stands alone
	HookSilence    HookEvent = "silence"  // no message for a time; with HookBack at most
	HookBack       HookEvent = "back"     // the first message after HookSilence
)

// HookAction is what a hook does.
type HookAction string

// The actions.
const (
	HookPost    HookAction = "post"    // an HTTP POST
	HookPublish HookAction = "publish" // to another topic
	HookMail    HookAction = "mail"
)

// HookSecrets are what a POST is signed and authorized with.
type HookSecrets struct {
	Signing       string `json:"signing"`                 // "whsec_" and Base64 of 32 bytes
	Authorization string `json:"authorization,omitempty"` // value of the Authorization header; "" for none
}

// DeadLetter is an event that a hook gave up. Primary key (Instance, ID); unique (Instance, Hook, Event); parent Hook.
type DeadLetter struct {
	Instance  string
	ID        int64 // ascending with time: microseconds since 1970, made unique
	Hook      string
	Event     string // id of the event
	Topic     string // for lists
	Body      []byte // the event as JSON
	Cause     string // of the last attempt, in words
	Attempts  int
	CreatedAt time.Time
}

func (Hook) row()       {}
func (DeadLetter) row() {}
