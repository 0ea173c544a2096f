package function

import (
	"errors"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/value"
)

const (
	maxCommands      = 256        // that one node runs at once
	maxCommandOutput = 10_000_000 // bytes of each output in exec mode, Node-RED's execMaxBufferSize
)

// execNode runs commands of the system.
type execNode struct {
	b       *flow.Base
	command string
	payload *value.Path // what of the message stands behind the command, nil for nothing
	more    string
	spawn   bool
	limit   time.Duration // 0 means none
	oldCode bool
	running map[string]*child // by process id
	badPath error
}

// child is one command that runs.
type child struct {
	cmd   *exec.Cmd
	timer *flow.Timer
	over  bool // its output was more than may be
}

// Exec runs commands.
func Exec() flow.Type {
	return flow.Type{Name: "exec", New: newExec,
		Fields: []string{"command", "addpay", "append", "useSpawn", "timer", "winHide", "oldrc"}}
}

func newExec(b *flow.Base, c flow.Config) (flow.Node, error) {
	if b.Options().NoExec {
		b.Status(flow.Status{Fill: "red", Shape: "ring", Text: "exec is off here"})
		return execOff{b}, nil
	}
	n := &execNode{b: b, command: strings.TrimSpace(c.Str("command")), more: strings.TrimSpace(c.Str("append")),
		spawn: c.Bool("useSpawn"), oldCode: c.Get("oldrc").Truthy() && c.Get("oldrc").Text() != "false", running: map[string]*child{}}
	n.limit = time.Duration(c.Num("timer", 0) * float64(time.Second))
	add := c.Get("addpay")
	if !add.Defined() || add.Bool() {
		add = value.Str("payload")
	}
	if add.Truthy() {
		n.payload, n.badPath = value.ParseMessagePath(add.Text())
	}
	return n, nil
}

// execOff stands where commands must not run: each message is an error that says so.
type execOff struct{ b *flow.Base }

var errExecOff = flow.Text("exec: this flow server runs no commands; run the flow on a device of your own for that")

func (n execOff) Receive(m *flow.Msg) { n.b.Done(m, errExecOff) }

func (n *execNode) Receive(m *flow.Msg) {
	if m.Has("kill") {
		n.kill(m)
		return
	}
	line, err := n.line(m)
	switch {
	case err != nil:
		n.b.Error(err, m)
	case len(n.running) >= maxCommands:
		n.b.Error(flow.NewError("more than %d commands of this node run at once", maxCommands), m)
	case n.spawn:
		n.b.Debug(line)
		n.startSpawn(line, m)
	default:
		n.b.Debug(line)
		n.startExec(line, m)
	}
}

// line is the command for a message.
func (n *execNode) line(m *flow.Msg) (string, error) {
	line := n.command
	if n.badPath != nil {
		return "", flow.AsError(n.badPath)
	}
	if n.payload != nil {
		v, err := m.GetPath(n.payload)
		if err != nil {
			return "", flow.AsError(err)
		}
		if v.Defined() {
			line += " " + v.Text()
		}
	}
	if n.more != "" {
		line += " " + n.more
	}
	return line, nil
}

// kill sends a signal to the process that a message names, or to the only one there is.
func (n *execNode) kill(m *flow.Msg) {
	name := strings.ToUpper(m.Get("kill").Str())
	if !strings.HasPrefix(name, "SIG") {
		name = "SIGTERM"
	}
	m.Set("kill", value.Str(name))
	var c *child
	if m.Has("pid") {
		c = n.running[m.Get("pid").Text()]
	} else if len(n.running) == 1 {
		for _, c = range n.running {
		}
	}
	if c != nil {
		if err := signal(c.cmd.Process, name); err != nil {
			n.b.Error(err, m)
			return
		}
		n.b.Status(flow.Status{Fill: "red", Shape: "dot", Text: "killed"})
	}
	n.b.Done(m, nil)
}

// add notes a command that has been started, and ends it when its time is over.
func (n *execNode) add(cmd *exec.Cmd) *child {
	c := &child{cmd: cmd}
	pid := strconv.Itoa(cmd.Process.Pid)
	n.running[pid] = c
	n.b.Status(flow.Status{Fill: "blue", Shape: "dot", Text: "pid:" + pid})
	if n.limit > 0 {
		c.timer = n.b.After(n.limit, func() { n.end(c) })
	}
	return c
}

func (n *execNode) remove(c *child) {
	c.timer.Stop()
	if pid := strconv.Itoa(c.cmd.Process.Pid); n.running[pid] == c {
		delete(n.running, pid)
	}
}

// end asks a command to end.
func (n *execNode) end(c *child) {
	if err := signal(c.cmd.Process, "SIGTERM"); err != nil {
		n.b.Debug("command not ended: " + err.Error())
	}
}

// Close ends the commands that run, and doesn't wait for them.
func (n *execNode) Close(_ bool, done func()) {
	for pid, c := range n.running {
		delete(n.running, pid)
		c.timer.Stop()
		n.end(c)
	}
	n.b.Status(flow.Status{})
	done()
}

var words = regexp.MustCompile(`(?:[^\s"]+|"[^"]*")+`)

// split cuts a command line at white space outside of quotes, as Node-RED does.
func split(line string) []string {
	list := words.FindAllString(line, -1)
	for i, w := range list {
		if len(w) >= 2 && w[0] == '"' && w[len(w)-1] == '"' {
			list[i] = w[1 : len(w)-1]
		}
	}
	return list
}

// output is a text if it is UTF-8, else a buffer.
func output(b []byte) value.Value {
	if utf8.Valid(b) {
		return value.Str(string(b))
	}
	return value.Data(b)
}

// ending says how a process ended: its code, or the signal that ended it.
func ending(err error, cmd *exec.Cmd) (code int, sig string) {
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return -1, ""
	}
	if sig = signalOf(cmd.ProcessState); sig != "" {
		return -1, sig
	}
	return cmd.ProcessState.ExitCode(), ""
}

// number is the exit code as flows see it: null of a process that a signal ended.
func number(code int, sig string) value.Value {
	if sig != "" {
		return value.Nil()
	}
	return value.Int(code)
}
