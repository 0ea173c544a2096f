package hosted

// What goes over the link, by Op. Requests have an ID, and their answer has the same.
const (
	opConfig     = "config"     // parent: the first message; Config
	opConn       = "conn"       // parent: a descriptor, an HTTP connection to serve
	opEnded      = "ended"      // parent: Session is over
	opAnswer     = "answer"     // parent: to a request; Error, or what was asked for, perhaps with a descriptor
	opWalls      = "walls"      // child: what it has put up around itself, before it does anything else; Walls
	opReady      = "ready"      // child: it serves connections
	opFailed     = "failed"     // child: it can't start; Error says why
	opDial       = "dial"       // child: connect to Addr; answered with a descriptor
	opExchange   = "exchange"   // child: who is Code; answered with Person
	opInstances  = "instances"  // child: the owner's instances, for Session; answered with Instances
	opCredential = "credential" // child: a user on Instance for Topics, for Session; answered with Credential
	opAlive      = "alive"      // child: does Session still hold; answered with Alive
)

// message is one packet of the link.
type message struct {
	Op         string          `json:"op"`
	ID         uint64          `json:"id,omitempty"`
	Error      string          `json:"error,omitempty"`
	Config     *Config         `json:"config,omitempty"`
	Network    string          `json:"network,omitempty"`
	Addr       string          `json:"addr,omitempty"`
	WaitMS     int64           `json:"wait_ms,omitempty"` // of a dial: longest wait in milliseconds
	Code       string          `json:"code,omitempty"`
	Remote     string          `json:"remote,omitempty"`
	Agent      string          `json:"agent,omitempty"`
	Session    string          `json:"session,omitempty"`
	Person     *Person         `json:"person,omitempty"`
	Instance   string          `json:"instance,omitempty"`
	Topics     []string        `json:"topics,omitempty"`
	Instances  []Instance      `json:"instances,omitempty"`
	Credential *Credential     `json:"credential,omitempty"`
	Alive      bool            `json:"alive,omitempty"`
	Walls      map[string]bool `json:"walls,omitempty"`
	Notes      string          `json:"notes,omitempty"` // why a wall isn't up
	Door       bool            `json:"door,omitempty"`  // of a connection: it is the platform's own, to the door for its panel
}

// Config is what a child is told when it starts. Nothing of it is on its command line or in its environment.
type Config struct {
	ID        string   `json:"id"`
	Name      string   `json:"name"`
	Dir       string   `json:"dir"`        // its data directory, and its working directory
	Title     string   `json:"title"`      // name on the editor's page
	Hosts     []string `json:"hosts"`      // host names of its editor
	PageHosts []string `json:"page_hosts"` // host names of what its flows serve; never those of its editor
	LoginURL  string   `json:"login_url"`  // page of the panel that sends the browser back with ?code=
	LogoutURL string   `json:"logout_url"` // page to go to after signing out
	CA        string   `json:"ca"`         // PEM of authorities to trust besides the system's
	MemoryMB  int      `json:"memory_mb"`  // MiB it may use
	User      int      `json:"user"`       // system user to become before anything else; 0: it stays who it is
	LogLevel  string   `json:"log_level"`  // debug, info, warn, error
}

// Person is who a single-use code stands for.
type Person struct {
	Name    string `json:"name"`    // shown in the editor
	Scope   string `json:"scope"`   // what they may do there: "*", "read", …
	Session string `json:"session"` // names the session in the panel that this sign-in ends with; no secret
}
