package function

import (
	"bytes"
	"io"
	"os/exec"
	"strconv"
	"sync"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/value"
)

// startExec runs a command line in a shell and sends what it wrote when it has ended.
func (n *execNode) startExec(line string, m *flow.Msg) {
	cmd := shell(line)
	cmd.Dir = n.b.Options().Dir
	out, errs := &bounded{}, &bounded{}
	cmd.Stdout, cmd.Stderr = out, errs
	var c *child // set before what over asks for has its turn on the loop
	over := func() { n.b.Soon(func() { c.over = true; n.end(c) }) }
	out.over, errs.over = over, over
	if err := cmd.Start(); err != nil {
		n.b.Done(m, flow.FileError("spawn", cmd.Path, err))
		return
	}
	c = n.add(cmd)
	go func() { // ends with the command
		err := cmd.Wait()
		n.b.Soon(func() {
			n.remove(c)
			n.executed(line, m, c, err, out.take(), errs.take())
		})
	}()
}

// bounded keeps up to maxCommandOutput bytes and calls over, once, when there are more.
type bounded struct {
	mu   sync.Mutex
	buf  bytes.Buffer
	full bool
	over func()
}

func (w *bounded) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	room := maxCommandOutput - w.buf.Len()
	if len(p) <= room {
		return w.buf.Write(p)
	}
	w.buf.Write(p[:room])
	if !w.full && w.over != nil {
		w.full = true
		w.over()
	}
	return len(p), nil
}

func (w *bounded) take() []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.buf.Bytes()
}

// executed sends the outputs of a command.
func (n *execNode) executed(line string, m *flow.Msg, c *child, err error, out, errs []byte) {
	m.Delete("payload")
	var second, third *flow.Msg
	if len(errs) > 0 {
		second = m.Clone()
		second.Set("payload", output(errs))
	}
	m.Set("payload", output(out))
	code, sig := ending(err, c.cmd)
	n.b.Status(flow.Status{})
	switch {
	case c.over:
		third = m.Clone()
		third.Set("payload", value.MapOf("code", "ERR_CHILD_PROCESS_STDIO_MAXBUFFER", "message", "stdout maxBuffer length exceeded").Value())
		n.b.Status(flow.Status{Fill: "red", Shape: "dot", Text: "error:ERR_CHILD_PROCESS_STDIO_MAXBUFFER"})
	case code != 0:
		third = m.Clone()
		what := value.MapOf("code", number(code, sig), "message", "Command failed: "+line+"\n"+value.DecodeUTF8(errs))
		if sig != "" {
			what.Set("signal", value.Str(sig))
			n.b.Status(flow.Status{Fill: "red", Shape: "dot", Text: "killed"})
		} else {
			n.b.Status(flow.Status{Fill: "red", Shape: "dot", Text: "error:" + strconv.Itoa(code)})
		}
		third.Set("payload", what.Value())
	case !n.oldCode:
		third = m.Clone()
		third.Set("payload", value.MapOf("code", 0).Value())
	}
	if third != nil {
		m.Set("rc", third.Get("payload"))
		if second != nil {
			second.Set("rc", third.Get("payload"))
		}
	}
	done := m.Clone()
	n.b.SendAll([]*flow.Msg{m}, []*flow.Msg{second}, []*flow.Msg{third})
	n.b.Done(done, nil)
}

// startSpawn runs a command without a shell and sends what it writes as it comes.
func (n *execNode) startSpawn(line string, m *flow.Msg) {
	args := split(line)
	if len(args) == 0 {
		n.b.Done(m, flow.Text("exec: there is no command"))
		return
	}
	cmd := exec.Command(args[0], args[1:]...) //nolint:gosec // that is what the node is for
	cmd.Dir = n.b.Options().Dir
	out, err1 := cmd.StdoutPipe()
	errs, err2 := cmd.StderrPipe()
	if err1 != nil || err2 != nil {
		n.b.Done(m, flow.NewError("no pipe for the output: %v %v", err1, err2))
		return
	}
	if err := cmd.Start(); err != nil {
		n.unknown(m)
		return
	}
	c := n.add(cmd)
	go func() { // ends with the command
		var both sync.WaitGroup
		both.Go(func() { n.pump(c, m, 0, out) })
		both.Go(func() { n.pump(c, m, 1, errs) })
		both.Wait()
		err := cmd.Wait()
		n.b.Do(func() { n.closed(c, m, err) }) // behind its output
	}()
}

// unknown tells of a command that can't be started, in the way Node-RED does.
func (n *execNode) unknown(m *flow.Msg) {
	n.b.Status(flow.Status{Fill: "blue", Shape: "dot", Text: "pid:undefined"})
	m.Set("payload", value.Int(-2))
	if !n.oldCode {
		m.Set("payload", value.MapOf("code", -2).Value())
	}
	n.b.Status(flow.Status{Fill: "red", Shape: "dot", Text: "rc:-2"})
	n.b.SendTo(2, m.Clone())
	n.b.Done(m, nil)
}

// pump sends what a command writes; one that writes faster than flows take it waits.
func (n *execNode) pump(c *child, m *flow.Msg, port int, from io.Reader) {
	for {
		buf := make([]byte, 64<<10)
		got, err := from.Read(buf)
		if got > 0 {
			data := output(buf[:got])
			n.b.Do(func() {
				if n.running[strconv.Itoa(c.cmd.Process.Pid)] == c {
					m.Set("payload", data)
					n.b.SendTo(port, m.Clone())
				}
			})
		}
		if err != nil {
			return
		}
	}
}

// closed tells how a command ended that was started without a shell.
func (n *execNode) closed(c *child, m *flow.Msg, err error) {
	known := n.running[strconv.Itoa(c.cmd.Process.Pid)] == c
	n.remove(c)
	if known {
		code, sig := ending(err, c.cmd)
		m.Set("payload", number(code, sig))
		if !n.oldCode {
			what := value.MapOf("code", number(code, sig))
			if sig != "" {
				what.Set("signal", value.Str(sig))
			}
			m.Set("payload", what.Value())
		}
		switch {
		case sig != "":
			n.b.Status(flow.Status{Fill: "red", Shape: "dot", Text: "killed"})
		case code == 0: // cleared and set again, as Node-RED does
			n.b.Status(flow.Status{})
			n.b.Status(flow.Status{Fill: "yellow", Shape: "dot", Text: "rc:0"})
		case code < 0:
			n.b.Status(flow.Status{Fill: "red", Shape: "dot", Text: "rc:" + strconv.Itoa(code)})
		default:
			n.b.Status(flow.Status{Fill: "yellow", Shape: "dot", Text: "rc:" + strconv.Itoa(code)})
		}
		n.b.SendTo(2, m.Clone())
	}
	n.b.Done(m, nil)
}
