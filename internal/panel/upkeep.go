package panel

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"tsunagi/internal/account"
	"tsunagi/internal/fault"
)

// personHeader names, on the way to a flow server, who acts. It is package editor's PersonHeader.
const personHeader = "Tsunagi-Person"

// Bounds of what a flow server is asked, in bytes of its answer and in time. It may be anybody's: an answer is read as
// far as it has the form that is wanted.
const (
	maxAnswerBytes = 8 << 20
	answerTime     = 30 * time.Second
)

// asked is the way to a flow server's door: that of one device or of one hosted flow server.
type asked func(r *http.Request) (*http.Response, error)

func (p *Panel) atDevice(id string) asked {
	return func(r *http.Request) (*http.Response, error) { return p.o.Devices.Ask(id, r) }
}

func (p *Panel) atFlowServer(f account.FlowServer) asked {
	return func(r *http.Request) (*http.Response, error) { return p.o.Flows.Ask(f.ID, r) }
}

// call sends in, unless it is nil, to a flow server's door and reads the answer into out, unless that is nil.
func (a asked) call(ctx context.Context, method, path string, in, out any) error {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	body := io.Reader(http.NoBody)
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(raw)
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://flow"+path, body)
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	return a.send(ctx, r, out)
}

// send sends a request that is ready.
func (a asked) send(ctx context.Context, r *http.Request, out any) error {
	r.Header.Set(personHeader, actor(ctx).Account.Email)
	got, err := a(r)
	if err != nil {
		if ctx.Err() != nil {
			return &account.Error{Code: account.Conflict, Key: "api.device.slow"}
		}
		return &account.Error{Code: account.Conflict, Key: "api.device.gone"}
	}
	defer got.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(got.Body, maxAnswerBytes+1))
	if err != nil || len(raw) > maxAnswerBytes {
		return &account.Error{Code: account.Conflict, Key: "api.device.gone"}
	}
	switch {
	case got.StatusCode == http.StatusForbidden:
		return &account.Error{Code: account.Forbidden, Key: "api.device.forbidden"}
	case got.StatusCode == http.StatusNotFound:
		return &account.Error{Code: account.NotFound, Key: "api.not_found"}
	case got.StatusCode >= 300:
		var told struct{ Message string }
		_ = json.Unmarshal(raw, &told) // else its status must do
		if told.Message == "" {
			told.Message = got.Status
		}
		return &account.Error{Code: account.Conflict, Key: "api.device.refused", Args: []any{"cause", clipText(told.Message)}}
	case out == nil:
		return nil
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return &account.Error{Code: account.Conflict, Key: "api.device.gone"}
	}
	return nil
}

func clipText(text string) string {
	r := []rune(text)
	return string(r[:min(len(r), 300)])
}

// onlineDevice reads one of the caller's that can be asked now.
func (p *Panel) onlineDevice(ctx context.Context, id string) (account.Device, error) {
	d, err := p.device(ctx, id)
	if err == nil && !p.o.Devices.State(d).Online {
		err = &account.Error{Code: account.Conflict, Key: "api.device.offline"}
	}
	return d, err
}

type writtenBody struct {
	Day   string `json:"day" maxLength:"10"`
	Bytes int64  `json:"bytes"`
}

type flowsBody struct {
	State      string        `json:"state" doc:"Of the flows"`
	Nodes      int           `json:"nodes"`
	Rev        string        `json:"rev" doc:"Revision of what is deployed"`
	DeployedAt *time.Time    `json:"deployed_at,omitempty"`
	DeployedBy string        `json:"deployed_by,omitempty"`
	Written    []writtenBody `json:"written" doc:"Bytes written to its disk, by day, newest first"`
}

type lanBrokerBody struct {
	Address         string      `json:"address" maxLength:"255" doc:"Of MQTT over TLS"`
	Plain           string      `json:"plain,omitempty" doc:"Of MQTT without TLS; missing: off"`
	Clients         int         `json:"clients" doc:"Connected"`
	Users           int         `json:"users"`
	State           string      `json:"state" doc:"Of its bridge to this server: off, unpaired, login, connecting, connected or waiting"`
	Error           string      `json:"error,omitempty" doc:"Why it was not connected last, in words"`
	ErrorTold       *fault.Told `json:"error_told,omitempty" doc:"The same as code and parameters; missing where it is none of the known ones"`
	ErrorAt         *time.Time  `json:"error_at,omitempty"`
	Waiting         int         `json:"waiting" doc:"Messages that wait for this server"`
	Bytes           int64       `json:"bytes" doc:"Of them"`
	MostWaiting     int         `json:"most_waiting"`
	MostBytes       int64       `json:"most_bytes"`
	Full            bool        `json:"full,omitempty" doc:"Messages on topics that go out are refused"`
	Sent            uint64      `json:"sent" doc:"Since it was started"`
	Received        uint64      `json:"received"`
	Refused         uint64      `json:"refused,omitempty" doc:"Messages that one side did not take, for good"`
	LastRefusal     string      `json:"last_refusal,omitempty" doc:"Why, in words"`
	LastRefusalTold *fault.Told `json:"last_refusal_told,omitempty" doc:"The same as code and parameters; missing where it is none of the known ones"`
}

type figuresBody struct {
	Version   string         `json:"version"`
	Target    string         `json:"target" doc:"System and processor"`
	Machine   string         `json:"machine,omitempty"`
	StartedAt *time.Time     `json:"started_at,omitempty"`
	Memory    int64          `json:"memory" doc:"Bytes of RAM that the program has"`
	Total     int64          `json:"total" doc:"Bytes of RAM of the machine"`
	Available int64          `json:"available" doc:"Bytes of RAM that programs can still get"`
	CPU       float64        `json:"cpu" doc:"Of the program, in processors: 1 is all of one"`
	CPUs      int            `json:"cpus"`
	Disk      int64          `json:"disk" doc:"Bytes of the file system with its data"`
	Free      int64          `json:"free"`
	Release   string         `json:"release,omitempty" doc:"Version that is ready to be put on it"`
	Failed    string         `json:"failed,omitempty" doc:"Why the last update was taken back, in words"`
	Update    string         `json:"update,omitempty" doc:"Why the program can't be replaced from here, in words"`
	Broker    *lanBrokerBody `json:"broker,omitempty" doc:"Its broker for the local network; missing where there is none"`
	Flows     *flowsBody     `json:"flows,omitempty" doc:"Missing while remote editing is off"`
}

// deviceFigures asks the device: nothing is sent while nobody looks.
func (p *Panel) deviceFigures(ctx context.Context, in *WithID) (*answer[figuresBody], error) {
	d, err := p.onlineDevice(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	var out figuresBody
	if err := p.atDevice(d.ID).call(ctx, "GET", "/figures", nil, &out); err != nil {
		return nil, err
	}
	if b := out.Broker; b != nil {
		b.ErrorTold, b.LastRefusalTold = fault.Read(b.Error), fault.Read(b.LastRefusal)
	}
	out.Release = "" // not for the device to say
	if version, ok := p.releaseFor(out.Target); ok && version != out.Version {
		out.Release = version
	}
	var flows flowsBody
	err = p.atDevice(d.ID).call(ctx, "GET", "/flows/state", nil, &flows)
	if refused, ok := errors.AsType[*account.Error](err); err == nil {
		out.Flows = &flows
	} else if !ok || refused.Code != account.Forbidden {
		return nil, err
	}
	return reply(out), nil
}

type deviceLogBody struct {
	Lines []string `json:"lines" doc:"As the program writes them, oldest first"`
	Last  int64    `json:"last" doc:"Number of the last line, for after"`
}

func (p *Panel) deviceLog(ctx context.Context, in *struct {
	WithID
	After int64 `query:"after" minimum:"0" doc:"Lines after the one with this number; the last 500 are kept"`
}) (*answer[deviceLogBody], error) {
	d, err := p.onlineDevice(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	var out deviceLogBody
	err = p.atDevice(d.ID).call(ctx, "GET", "/log?after="+strconv.FormatInt(in.After, 10), nil, &out)
	return reply(out), err
}

func (p *Panel) restartDevice(ctx context.Context, in *WithID) (*nothing, error) {
	if _, err := p.onlineDevice(ctx, in.ID); err != nil {
		return nil, err
	}
	d, err := p.o.Accounts.AuditDevice(ctx, actor(ctx), in.ID, "device.restart")
	if err != nil {
		return nil, err
	}
	return nil, p.atDevice(d.ID).call(ctx, "POST", "/restart", nil, nil)
}

// nodeBody is what one node costs; see flow.NodeMeter.
type nodeBody struct {
	ID       string  `json:"id"`
	Type     string  `json:"type"`
	Name     string  `json:"name,omitempty"`
	Flow     string  `json:"z,omitempty" doc:"Flow or subflow that it stands in"`
	Received float64 `json:"received" doc:"Messages a second"`
	Sent     float64 `json:"sent" doc:"Messages a second"`
	CPU      float64 `json:"cpu" doc:"Seconds of the event loop a second: 1 is all of it"`
	Queued   int     `json:"queued" doc:"Messages that wait for it"`
	Waiting  int     `json:"queuedBytes" doc:"Bytes of these"`
	Bytes    int     `json:"bytes" doc:"Bytes that the node holds"`
}

type meterBody struct {
	Seconds float64    `json:"seconds"`
	Nodes   []nodeBody `json:"nodes" doc:"The most expensive first"`
}

type meterInput struct {
	WithID
	Seconds int `query:"seconds" minimum:"1" maximum:"10" default:"2" doc:"How long to watch"`
}

func (a asked) meter(ctx context.Context, seconds int) (*answer[meterBody], error) {
	var out meterBody
	if err := a.call(ctx, "GET", fmt.Sprintf("/flows/meter?seconds=%d", seconds), nil, &out); err != nil {
		return nil, err
	}
	if out.Nodes == nil {
		out.Nodes = []nodeBody{}
	}
	return reply(out), nil
}

func (p *Panel) deviceMeter(ctx context.Context, in *meterInput) (*answer[meterBody], error) {
	d, err := p.onlineDevice(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return p.atDevice(d.ID).meter(ctx, in.Seconds)
}

func (p *Panel) flowServerMeter(ctx context.Context, in *meterInput) (*answer[meterBody], error) {
	f, err := p.flowServer(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if p.o.Flows.State(f).State != "running" {
		return nil, &account.Error{Code: account.Conflict, Key: "api.flow.stopped"}
	}
	return p.atFlowServer(f).meter(ctx, in.Seconds)
}
