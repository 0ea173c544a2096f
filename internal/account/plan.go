package account

import "strings"

// Plan bounds an instance and the account that owns it. Zero means no limit, but no flow servers at FlowServers and no names at HostNames.
type Plan struct {
	ID               string
	Name             string
	Default          bool
	StripePrice      string // id of the price that is paid for an instance in it; "": nothing is paid
	Granted          bool   // only for accounts that the operator has put on it
	Instances        int    // of one account with this plan
	Connections      int    // concurrent clients of an instance
	WebConnections   int    // concurrent web clients of the panel, not counted above
	FlowServers      int    // hosted, of one account
	FlowMemoryMB     int    // MiB of each flow server
	FlowCPUPercent   int    // of one processor, each flow server; 0: 100
	MaxPacket        int    // bytes
	QueueMessages    int    // kept for one absent session
	QueueBytes       int    // kept for one absent session
	RetainedMessages int    // of an instance
	RetainedBytes    int    // of an instance
	Subscriptions    int    // of one session
	AllSubscriptions int    // of an instance
	SubscribeRate    int    // filters a second of one connection, once it has used up as many as Subscriptions
	Sessions         int    // of an instance, that outlive their connection
	KeepAliveMax     int    // seconds
	Users            int    // of an instance
	Bridges          int    // of an instance
	Hooks            int    // of an instance
	HookCalls        int    // a minute, of all hooks of an instance together
	HostNames        int    // own names of an instance; 0: none
	HistoryBytes     int    // of an instance, topics and payloads
	BindClientIDs    bool   // a client identifier belongs to the user of its session
	Durability       string // "fast": acknowledged in memory, a crash may lose the last second; else when on disk
}

// Region is where an instance lives.
type Region struct {
	ID   string
	Name string
}

// maxRules bounds the access list of one instance: every miss of the broker's cache walks through it.
const maxRules = 1000

// Plans are the plans on offer, in the order of the settings.
func (s *Service) Plans() []Plan { return append([]Plan(nil), s.o.Plans...) }

// Regions are the regions on offer.
func (s *Service) Regions() []Region { return append([]Region(nil), s.o.Regions...) }

// Plan is the plan with that id. A plan that the settings no longer have is judged as the default plan.
func (s *Service) Plan(id string) Plan {
	if p, ok := findPlan(s.o.Plans, id); ok {
		return p
	}
	p, _ := findPlan(s.o.Plans, "")
	return p
}

// findPlan looks for a plan by id; "" means the default plan.
func findPlan(plans []Plan, id string) (Plan, bool) {
	for _, p := range plans {
		if p.ID == id || id == "" && p.Default {
			return p, true
		}
	}
	return Plan{}, false
}

// NoPlan refuses a plan that isn't there, and names those that are.
func NoPlan(plans []Plan) *Error {
	ids := make([]string, 0, len(plans))
	for _, p := range plans {
		ids = append(ids, p.ID)
	}
	return invalid("plan", "api.plan", "plans", strings.Join(ids, ", "))
}

// noRegion does so for a region.
func (s *Service) noRegion() *Error {
	ids := make([]string, 0, len(s.o.Regions))
	for _, r := range s.o.Regions {
		ids = append(ids, r.ID)
	}
	return invalid("region", "api.region", "regions", strings.Join(ids, ", "))
}

func (s *Service) region(id string) (Region, bool) {
	for _, r := range s.o.Regions {
		if r.ID == id || id == "" {
			return r, true
		}
	}
	return Region{}, false
}
