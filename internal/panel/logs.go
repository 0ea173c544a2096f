package panel

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"tsunagi/internal/account"
	"tsunagi/internal/fault"
)

// LogInput chooses lines of a log.
type LogInput struct {
	Kind   string `query:"kind" maxLength:"32" doc:"connected, disconnected, refused, denied, dropped, takeover, fight, banned, command, page"`
	Query  string `query:"query" maxLength:"256" doc:"Part of client, user, topic, address, rule or cause"`
	Before int64  `query:"before" minimum:"0" doc:"Lines with a lower id only"`
	Limit  int    `query:"limit" minimum:"0" maximum:"1000" doc:"0: 100"`
}

// toldLine is a line as the API gives it.
type toldLine struct {
	account.LogLine
	CauseTold *fault.Told `json:"cause_told,omitempty" doc:"Of bridges, webhooks and rules: the cause as code and parameters"`
}

func showLine(l account.LogLine) toldLine {
	out := toldLine{LogLine: l}
	if l.Gate == "bridge" || l.Gate == "hook" {
		out.CauseTold = fault.Read(l.Cause)
	}
	return out
}

// logPage is one page of a log.
type logPage struct {
	Items      []toldLine `json:"items"`
	Total      int        `json:"total" doc:"How many are on this page"`
	Next       string     `json:"next" doc:"before of the next page; empty on the last"`
	SearchedTo *time.Time `json:"searched_to,omitempty" doc:"The search has looked at as many lines as one may, back to then: next goes on with older ones"`
}

type instanceLogInput struct {
	WithID
	LogInput
}

func (p *Panel) getLog(ctx context.Context, in *instanceLogInput) (*answer[logPage], error) {
	i, err := p.o.Accounts.Instance(ctx, actor(ctx), in.ID)
	if err != nil {
		return nil, err
	}
	return p.readLog(ctx, i.ID, in.LogInput)
}

func (p *Panel) getOperatorLog(ctx context.Context, in *LogInput) (*answer[logPage], error) {
	return p.readLog(ctx, "", *in)
}

func (p *Panel) readLog(ctx context.Context, instance string, in LogInput) (*answer[logPage], error) {
	read, err := p.o.Journal.Read(ctx, account.LogQuery{Instance: instance, Kind: in.Kind, Contains: in.Query, Before: in.Before, Limit: in.Limit})
	if err != nil {
		return nil, err
	}
	out := logPage{Items: make([]toldLine, 0, len(read.Lines)), Total: len(read.Lines)}
	for _, l := range read.Lines {
		out.Items = append(out.Items, showLine(l))
	}
	if read.Next != 0 {
		out.Next = fmt.Sprint(read.Next)
	}
	if !read.SearchedTo.IsZero() {
		out.SearchedTo = &read.SearchedTo
	}
	return reply(out), nil
}

// Bounds of the streams of logs and messages.
const (
	streamsOfOne  = 10               // of one account at a time
	streamPulse   = 15 * time.Second // a comment, so that middle boxes keep the connection
	streamPatient = 10 * time.Second // longest write
)

// streams counts the open streams by account.
type streams struct {
	mu   sync.Mutex // guards open
	open map[string]int
}

func (s *streams) enter(account string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		s.open = map[string]int{}
	}
	if s.open[account] >= streamsOfOne {
		return false
	}
	s.open[account]++
	return true
}

func (s *streams) leave(account string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[account]--; s.open[account] <= 0 {
		delete(s.open, account)
	}
}

// followLog sends new lines as server-sent events, until the browser leaves, the session ends or the instance is gone.
func (p *Panel) followLog(ctx context.Context, in *WithID) (*huma.StreamResponse, error) {
	by := actor(ctx)
	i, err := p.o.Accounts.Instance(ctx, by, in.ID)
	if err != nil {
		return nil, err
	}
	if !p.streams.enter(by.Account.ID) {
		return nil, &account.Error{Code: account.RateLimited, Key: "api.busy", Wait: streamPulse}
	}
	return &huma.StreamResponse{Body: func(c huma.Context) {
		defer p.streams.leave(by.Account.ID)
		_, w := humago.Unwrap(c)
		p.stream(ctx, w, by, i.ID)
	}}, nil
}

func (p *Panel) stream(ctx context.Context, w http.ResponseWriter, by account.Actor, instance string) {
	lines, stop := p.o.Journal.Follow(instance)
	defer stop()
	ended, forget := p.o.Accounts.ActorEnd(by)
	defer forget()
	pulse := time.NewTicker(streamPulse)
	defer pulse.Stop()
	send := eventStream(w)
	ok := send(": log of %s\n\n", instance)
	for ok {
		select {
		case <-ctx.Done():
			return
		case <-ended:
			return
		case <-p.stopping:
			return
		case l := <-lines:
			body, err := json.Marshal(showLine(l))
			ok = err == nil && send("id: %d\ndata: %s\n\n", l.ID, body)
		case <-pulse.C:
			ok = p.mayFollow(ctx, by, instance) && send(": still here\n\n")
		}
	}
}

// eventStream begins an answer of server-sent events; the function writes and says whether the peer is there.
func eventStream(w http.ResponseWriter) func(format string, args ...any) bool {
	control := http.NewResponseController(w)
	w.Header().Set("Content-Type", eventKind)
	w.Header().Set("X-Accel-Buffering", "no") // for proxies that would wait for more
	return func(format string, args ...any) bool {
		_ = control.SetWriteDeadline(time.Now().Add(streamPatient)) // where it can't be set, TCP has its own
		_, err := fmt.Fprintf(w, format, args...)
		if err != nil || control.Flush() != nil {
			return false
		}
		_ = control.SetWriteDeadline(time.Time{}) // one that passes later would end an HTTP/2 stream in a pause
		return true
	}
}

// mayFollow asks again what was asked at the beginning.
func (p *Panel) mayFollow(ctx context.Context, by account.Actor, instance string) bool {
	if alive, err := p.o.Accounts.ActorAlive(ctx, by); err != nil || !alive {
		return false
	}
	_, err := p.o.Accounts.Instance(ctx, by, instance)
	return err == nil
}
