// Package conformance runs cases of MQTT 3.1.1 and 5.0 against any broker. A case is data: what is sent on which
// connection, what must come back, and when the connection must end. README.md describes the format of the files in
// cases.
package conformance

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"tsunagi/internal/mqtt"
)

//go:embed cases/*.txt
var files embed.FS

//go:embed known/*.txt
var known embed.FS

// Case is one case of a file.
type Case struct {
	File     string // without path and suffix
	Line     int
	Name     string // statements, a colon, and what is checked
	Versions []mqtt.Version
	needs    []string // what CONNACK of 5.0 must not deny, and what the target must have
	listed   bool     // the versions stand in the file
	covers   []string // statements beyond those of its name
	steps    []step
}

// step is one line of a case.
type step struct {
	line   int
	only   mqtt.Version // 0: all versions of the case
	conn   string
	op     op
	packet string // the name of a packet; HEX, CLOSE or NOTHING
	args   args
}

type op byte

const (
	opSend      op = iota // >
	opExpect              // <
	opExpectAny           // <* : neighbours come in any order
	opDrop                // the TCP connection is closed without DISCONNECT
	opPause               // time passes
)

// Cases are all cases, in the order of their files.
func Cases() ([]Case, error) {
	names, err := fs.Glob(files, "cases/*.txt")
	if err != nil {
		return nil, err
	}
	var all []Case
	for _, name := range names {
		text, err := files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		file := path.Base(name)
		cs, err := parse(file[:len(file)-len(".txt")], string(text))
		if err != nil {
			return nil, err
		}
		all = append(all, cs...)
	}
	return all, nil
}

// speaks says whether the case is for version v.
func (c *Case) speaks(v mqtt.Version) bool { return slices.Contains(c.Versions, v) }

// VersionName is the name of v as the standards write it.
func VersionName(v mqtt.Version) string {
	switch v {
	case mqtt.V31:
		return "3.1"
	case mqtt.V311:
		return "3.1.1"
	case mqtt.V5:
		return "5.0"
	}
	return fmt.Sprint(byte(v))
}
