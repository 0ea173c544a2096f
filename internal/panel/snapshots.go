package panel

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"tsunagi/internal/account"
)

// maxTargets bounds the devices of one push.
const maxTargets = 100

type snapshotBody struct {
	ID    string    `json:"id"`
	Time  time.Time `json:"time"`
	User  string    `json:"user,omitempty" doc:"Who deployed"`
	Name  string    `json:"name,omitempty" doc:"One with a name is kept longer"`
	Type  string    `json:"type" doc:"Of the deploy: full, flows, nodes, restore, found"`
	Rev   string    `json:"rev"`
	Nodes int       `json:"nodes"`
	Bytes int       `json:"bytes" doc:"On its disk"`
}

type snapshotsBody struct {
	Rev       string         `json:"rev" doc:"Revision of what is deployed now"`
	Snapshots []snapshotBody `json:"snapshots" doc:"Newest first"`
}

func (p *Panel) listSnapshots(ctx context.Context, in *WithID) (*answer[snapshotsBody], error) {
	d, err := p.onlineDevice(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	var out snapshotsBody
	if err := p.atDevice(d.ID).call(ctx, "GET", "/flows/snapshots", nil, &out); err != nil {
		return nil, err
	}
	if out.Snapshots == nil {
		out.Snapshots = []snapshotBody{}
	}
	return reply(out), nil
}

// WithSnapshot names a snapshot of a device.
type WithSnapshot struct {
	WithID
	Snapshot string `path:"thing" maxLength:"20" pattern:"^[a-z0-9]+$"`
}

type changedBody struct {
	ID     string   `json:"id"`
	Type   string   `json:"type"`
	Name   string   `json:"name,omitempty"`
	Flow   string   `json:"z,omitempty"`
	Fields []string `json:"fields,omitempty" doc:"Which of them differ"`
	Moved  bool     `json:"moved,omitempty" doc:"Only its place on the page is another one"`
}

type diffBody struct {
	Added   []changedBody `json:"added"`
	Removed []changedBody `json:"removed"`
	Changed []changedBody `json:"changed"`
}

func (p *Panel) diffSnapshot(ctx context.Context, in *struct {
	WithSnapshot
	With string `query:"with" maxLength:"20" pattern:"^[a-z0-9]*$" doc:"Another snapshot; empty: what is deployed now"`
}) (*answer[diffBody], error) {
	d, err := p.onlineDevice(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	out := diffBody{Added: []changedBody{}, Removed: []changedBody{}, Changed: []changedBody{}}
	err = p.atDevice(d.ID).call(ctx, "GET", "/flows/snapshots/"+in.Snapshot+"/diff?with="+in.With, nil, &out)
	return reply(out), err
}

type nameSnapshotInput struct {
	WithSnapshot
	Body struct {
		Name string `json:"name" maxLength:"100" doc:"Empty takes it away"`
	}
}

func (p *Panel) nameSnapshot(ctx context.Context, in *nameSnapshotInput) (*nothing, error) {
	d, err := p.onlineDevice(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return nil, p.atDevice(d.ID).call(ctx, "PUT", "/flows/snapshots/"+in.Snapshot, map[string]string{"name": in.Body.Name}, nil)
}

func (p *Panel) restoreSnapshot(ctx context.Context, in *WithSnapshot) (*nothing, error) {
	if _, err := p.onlineDevice(ctx, in.ID); err != nil {
		return nil, err
	}
	d, err := p.o.Accounts.AuditDevice(ctx, actor(ctx), in.ID, "device.restore")
	if err != nil {
		return nil, err
	}
	return nil, p.atDevice(d.ID).call(ctx, "POST", "/flows/snapshots/"+in.Snapshot+"/restore", nil, nil)
}

type pushInput struct {
	WithSnapshot
	Body struct {
		Devices []string `json:"devices,omitempty" maxItems:"100" doc:"Ids of devices"`
		Label   string   `json:"label,omitempty" maxLength:"64" doc:"All devices with this label, but not the one that the snapshot is of"`
	}
}

type pushedBody struct {
	Device string `json:"device"`
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Error  string `json:"error,omitempty" doc:"Why it was not deployed there, in the language of the request"`
}

// pushSnapshot deploys a snapshot on other devices, one after the other. Credentials don't go with it, and each keeps its
// own broker node.
func (p *Panel) pushSnapshot(ctx context.Context, in *pushInput) (*answer[page[pushedBody]], error) {
	from, err := p.onlineDevice(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	targets, err := p.targets(ctx, from, in.Body.Devices, in.Body.Label)
	if err != nil {
		return nil, err
	}
	var what struct {
		Flows json.RawMessage `json:"flows"`
	}
	if err := p.atDevice(from.ID).call(ctx, "GET", "/flows/snapshots/"+in.Snapshot, nil, &what); err != nil {
		return nil, err
	}
	out := page[pushedBody]{Items: []pushedBody{}, Total: len(targets)}
	for _, d := range targets {
		one := pushedBody{Device: d.ID, Name: d.Name}
		_, err := p.onlineDevice(ctx, d.ID)
		if err == nil {
			_, err = p.o.Accounts.AuditDevice(ctx, actor(ctx), d.ID, "device.push")
		}
		if err == nil {
			err = p.atDevice(d.ID).call(ctx, "POST", "/flows/push", what, nil)
		}
		if one.OK = err == nil; err != nil {
			one.Error = p.problem(ctx, err).Detail
		}
		out.Items = append(out.Items, one)
	}
	return reply(out), nil
}

// targets are the devices that a push is for, all of them the caller's.
func (p *Panel) targets(ctx context.Context, from account.Device, ids []string, label string) (list []account.Device, err error) {
	all, err := p.o.Accounts.Devices(ctx, actor(ctx))
	if err != nil {
		return nil, err
	}
	labels, err := p.o.Accounts.DeviceLabels(ctx, all...)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		if !slices.ContainsFunc(all, func(d account.Device) bool { return d.ID == id }) {
			return nil, &account.Error{Code: account.NotFound, Key: "api.not_found"}
		}
	}
	for _, d := range all {
		if slices.Contains(ids, d.ID) || label != "" && d.ID != from.ID && slices.Contains(labels[d.ID], label) {
			list = append(list, d)
		}
	}
	if len(list) == 0 || len(list) > maxTargets {
		return nil, &account.Error{Code: account.Invalid, Key: "api.device.targets", Field: "devices"}
	}
	return list, nil
}
