package home

import (
	"runtime"
	"runtime/debug"
	"sync"
	"time"
)

// Figures say how the machine and this program are. What the system doesn't tell is 0.
type Figures struct {
	Version   string    `json:"version"`
	Target    string    `json:"target"` // system and processor: linux-armv6
	Machine   string    `json:"machine,omitempty"`
	StartedAt time.Time `json:"started_at"`
	Memory    int64     `json:"memory"`    // bytes of RAM that this program has
	Total     int64     `json:"total"`     // bytes of RAM of the machine
	Available int64     `json:"available"` // of these, what programs can still get
	CPU       float64   `json:"cpu"`       // of this program, in processors: 1 is all of one
	CPUs      int       `json:"cpus"`
	Disk      int64     `json:"disk"`             // bytes of the file system with the data directory
	Free      int64     `json:"free"`             // of these, what this program may still use
	Failed    string    `json:"failed,omitempty"` // why the last update was taken back
	Update    string    `json:"update,omitempty"` // why the program can't be replaced from the panel; "": it can
	Broker    *Broker   `json:"broker,omitempty"` // for the local network; nil: it is off
}

// Broker says how the broker for the local network is, and its bridge to the platform.
type Broker struct {
	Address     string     `json:"address"`         // of MQTT over TLS
	Plain       string     `json:"plain,omitempty"` // of MQTT without; "": off
	Clients     int        `json:"clients"`         // connected
	Users       int        `json:"users"`
	State       string     `json:"state"`           // of the bridge: off, unpaired, login, connecting, connected or waiting
	Error       string     `json:"error,omitempty"` // why it was not connected last, in words
	ErrorAt     *time.Time `json:"error_at,omitempty"`
	Waiting     int        `json:"waiting"` // messages in the outbox
	Bytes       int64      `json:"bytes"`   // of them
	MostWaiting int        `json:"most_waiting"`
	MostBytes   int64      `json:"most_bytes"`
	Full        bool       `json:"full,omitempty"`         // messages on topics that go out are refused
	Sent        uint64     `json:"sent"`                   // since the start
	Received    uint64     `json:"received"`               //
	Refused     uint64     `json:"refused,omitempty"`      // messages that one side did not take, for good
	LastRefusal string     `json:"last_refusal,omitempty"` // why, in words
}

// Target names the system and processor that this program was built for.
func Target() string {
	name := runtime.GOOS + "-" + runtime.GOARCH
	if runtime.GOARCH != "arm" {
		return name
	}
	version := "7"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "GOARM" && s.Value != "" {
				version = s.Value[:1]
			}
		}
	}
	return name + "v" + version
}

// TotalMemory are the bytes of RAM of this machine; 0: the system doesn't tell.
func TotalMemory() int64 {
	_, total, _ := memory()
	return total
}

// A measurement of the processor's time spans between these.
const (
	shortestSpan = 500 * time.Millisecond
	longestSpan  = time.Minute
)

// gauge measures what this program takes.
type gauge struct {
	dir string

	mu   sync.Mutex // guards the fields below
	at   time.Time
	used time.Duration // of the processors, until at
}

// read fills in what changes. It may take shortestSpan.
func (g *gauge) read(f *Figures) {
	f.Memory, f.Total, f.Available = memory()
	f.Disk, f.Free = disk(g.dir)
	f.CPUs = runtime.NumCPU()
	g.mu.Lock()
	defer g.mu.Unlock()
	if time.Since(g.at) > longestSpan {
		g.at, g.used = time.Now(), processorTime()
	}
	if wait := shortestSpan - time.Since(g.at); wait > 0 {
		time.Sleep(wait)
	}
	at, used := time.Now(), processorTime()
	f.CPU = float64(used-g.used) / float64(at.Sub(g.at))
	g.at, g.used = at, used
}
