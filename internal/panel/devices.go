package panel

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tsunagi/internal/account"
)

// Devices are the tunnels of flow servers that run elsewhere. The entries themselves are package account's.
type Devices interface {
	State(d account.Device) DeviceState
	// EditorURL is the address of the editor's origin, ending in a slash.
	EditorURL(d account.Device) string
	// PagesURL is the address of the origin of the flows' pages, ending in a slash.
	PagesURL(d account.Device) string
	// PagesEntry is where a browser gets into them with a code, and on to one of them: a path with its query.
	PagesEntry(d account.Device, code, to string) string
	// Restart ends a device's tunnel; the device comes back and learns what has changed.
	Restart(id string)
	// Forget ends the tunnel of a device that was unpaired, and tells it.
	Forget(ctx context.Context, id string)
	// Rotate asks a device to change its key and its MQTT password; it must be online.
	Rotate(ctx context.Context, id string) error
	// Ask sends a request to a device's door for the panel: path and query are used of its address.
	Ask(id string, r *http.Request) (*http.Response, error)
	// PlatformKey is the Ed25519 public key by which devices know this platform.
	PlatformKey() []byte
}

// DeviceState is how a device's tunnel is.
type DeviceState struct {
	Online    bool       `json:"online"`
	Since     *time.Time `json:"since,omitempty" doc:"Connected since"`
	Remote    string     `json:"remote,omitempty" doc:"Address that the device comes from"`
	LocalOnly bool       `json:"local_only" doc:"The device's own settings forbid remote editing"`
	// DevicePages is what the device itself says of its flows' pages.
	DevicePages string `json:"device_pages,omitempty" enum:"people,public,none" doc:"Who at most may see its flows' pages, as its own settings say; absent: its program offers none"`

	Ended   string     `json:"ended,omitempty" enum:"stopped,restarting,updating,lost,refused" doc:"Why it is not connected: its program was ended, it was told to restart, it tries another version, it went silent, or somebody came in its name with a wrong key"`
	EndedAt *time.Time `json:"ended_at,omitempty"`
}

type deviceBody struct {
	ID            string     `json:"id"`
	Name          string     `json:"name" doc:"DNS label"`
	URL           string     `json:"url" doc:"Origin of the editor; sign in with open"`
	Instance      string     `json:"instance" doc:"Instance that its flows use"`
	User          string     `json:"user" doc:"MQTT user of its flows there"`
	Version       string     `json:"version" doc:"Of its program"`
	RemoteEditing bool       `json:"remote_editing" doc:"Its editor may be opened from here"`
	PagesURL      string     `json:"pages_url" doc:"Origin of what its flows offer over HTTP and WebSocket"`
	Pages         string     `json:"pages" enum:"people,public,none" doc:"Who may see them there: people who may open its editor, everybody, or nobody"`
	Labels        []string   `json:"labels" doc:"Groups that it is in"`
	CreatedAt     time.Time  `json:"created_at"`
	SeenAt        *time.Time `json:"seen_at,omitempty" doc:"Start or end of the last connection"`
	DeviceState
	RoleBody
	VersionBody
}

// showDevice shows a device to who was judged about it, or about its account.
func (p *Panel) showDevice(by account.Actor, d account.Device, labels []string) deviceBody {
	out := deviceBody{d.ID, d.Name, p.o.Devices.EditorURL(d), d.Instance, d.User, d.Version, !d.NoEditing,
		p.o.Devices.PagesURL(d), d.Pages.String(), labels, d.CreatedAt, nil, p.o.Devices.State(d), roleOf(by), VersionBody{}}
	if !d.SeenAt.IsZero() {
		out.SeenAt = &d.SeenAt
	}
	if labels == nil {
		out.Labels = []string{}
	}
	return out
}

// oneDevice is the answer with a device.
func (p *Panel) oneDevice(ctx context.Context, d account.Device) (*tagged[deviceBody], error) {
	labels, err := p.o.Accounts.DeviceLabels(ctx, d)
	if err != nil {
		return nil, err
	}
	return tag(p, account.LabelledDevice{Device: d, Labels: labels[d.ID]}, p.showDevice(actor(ctx), d, labels[d.ID])), nil
}

// devicesOff is the answer where this server takes no devices.
func (p *Panel) devicesOff() error {
	if p.o.Devices == nil {
		return &account.Error{Code: account.Forbidden, Key: "api.device.off"}
	}
	return nil
}

func (p *Panel) listDevices(ctx context.Context, _ *empty) (*answer[page[deviceBody]], error) {
	if p.o.Devices == nil {
		return reply(pageOf([]deviceBody{}, func(d deviceBody) deviceBody { return d })), nil
	}
	list, err := p.o.Accounts.Devices(ctx, actor(ctx))
	if err != nil {
		return nil, err
	}
	labels, err := p.o.Accounts.DeviceLabels(ctx, list...)
	rows := shown(list, func(d account.Device) account.LabelledDevice {
		return account.LabelledDevice{Device: d, Labels: labels[d.ID]}
	})
	show := func(d account.LabelledDevice) deviceBody { return p.showDevice(actor(ctx), d.Device, d.Labels) }
	return reply(pageOf(rows, inList(p, show))), err
}

type newDeviceInput struct {
	Body struct {
		Name     string `json:"name" maxLength:"64" doc:"DNS label: small letters, digits and -"`
		Instance string `json:"instance" maxLength:"64" doc:"Instance that its flows are to use"`
		Filter   string `json:"filter,omitempty" maxLength:"1024" doc:"Topics that it may publish and subscribe there; default: all below its name"`
	}
}

type pairingBody struct {
	Code    string    `json:"code" doc:"Works once"`
	Expires time.Time `json:"expires"`
	Command string    `json:"command" doc:"To be run on the device"`
	Filter  string    `json:"filter" doc:"Topics that it may publish and subscribe"`
}

func (p *Panel) createPairing(ctx context.Context, in *newDeviceInput) (*answer[pairingBody], error) {
	if err := p.devicesOff(); err != nil {
		return nil, err
	}
	made, err := p.o.Accounts.CreatePairing(ctx, actor(ctx), account.NewDevice{Name: in.Body.Name, Instance: in.Body.Instance, Filter: in.Body.Filter})
	if err != nil {
		return nil, err
	}
	command := "tsunagi flow --link " + p.o.Endpoints.PanelURL + " --code " + made.Code
	if f := p.o.Authority.Fingerprint; f != "" {
		command += " --pin " + strings.ReplaceAll(f, ":", "")
	}
	return reply(pairingBody{made.Code, made.Expires, command, made.Device.Filter}), nil
}

type pairInput struct {
	Body struct {
		Code    string `json:"code" maxLength:"64" doc:"That the panel shows"`
		Key     []byte `json:"key" doc:"Ed25519 public key of the device, base64"`
		Version string `json:"version,omitempty" maxLength:"64" doc:"Of the device's program"`
	}
}

type brokerBody struct {
	Host     string `json:"host"`
	Port     int    `json:"port"`
	User     string `json:"user" doc:"With the instance before it"`
	Password string `json:"password"`
}

type pairedBody struct {
	ID          string     `json:"id"`
	Name        string     `json:"name"`
	PlatformKey []byte     `json:"platform_key" doc:"Ed25519 public key of this platform, base64"`
	ReleaseKey  []byte     `json:"release_key,omitempty" doc:"Ed25519 public key of the releases that it takes, base64"`
	Broker      brokerBody `json:"broker" doc:"MQTT login of the device: told once"`
}

func (p *Panel) pairDevice(ctx context.Context, in *pairInput) (*answer[pairedBody], error) {
	if err := p.devicesOff(); err != nil {
		return nil, err
	}
	made, err := p.o.Accounts.Pair(ctx, actor(ctx), in.Body.Code, in.Body.Key, in.Body.Version)
	if err != nil {
		return nil, err
	}
	host := p.namedBy(ctx) // never another one than the device has dialled
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return reply(pairedBody{made.Device.ID, made.Device.Name, p.o.Devices.PlatformKey(), p.releaseKey(), brokerBody{host, p.o.Endpoints.SSLPort,
		fmt.Sprintf("%s:%s", made.Device.Instance, made.Device.User), made.Password}}), nil
}

// device reads one of the caller's.
func (p *Panel) device(ctx context.Context, id string) (account.Device, error) {
	if err := p.devicesOff(); err != nil {
		return account.Device{}, err
	}
	return p.o.Accounts.Device(ctx, actor(ctx), id)
}

func (p *Panel) getDevice(ctx context.Context, in *WithID) (*tagged[deviceBody], error) {
	d, err := p.device(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return p.oneDevice(ctx, d)
}

type changeDeviceInput struct {
	WithID
	Body struct {
		Name          *string `json:"name,omitempty" maxLength:"64" doc:"DNS label; the editor's address changes with it"`
		RemoteEditing *bool   `json:"remote_editing,omitempty" doc:"Its editor may be opened from here; false also ends what is open"`
		Pages         *string `json:"pages,omitempty" enum:"people,public,none" doc:"Who may see the pages of its flows from here: people who may open its editor, everybody, or nobody; a change ends what is open"`

		Labels *[]string `json:"labels,omitempty" maxItems:"8" doc:"Groups that it is in: small letters, digits and -"`
	}
}

func (p *Panel) changeDevice(ctx context.Context, in *changeDeviceInput) (*tagged[deviceBody], error) {
	if err := p.devicesOff(); err != nil {
		return nil, err
	}
	c := account.DeviceChange{Name: in.Body.Name, Labels: in.Body.Labels}
	if in.Body.RemoteEditing != nil {
		forbidden := !*in.Body.RemoteEditing
		c.NoEditing = &forbidden
	}
	if in.Body.Pages != nil {
		pages, _ := account.ParsePages(*in.Body.Pages) // the route knows the words
		c.Pages = &pages
	}
	d, err := p.o.Accounts.ChangeDevice(ctx, actor(ctx), in.ID, c)
	if err != nil {
		return nil, err
	}
	if c.Name != nil || c.NoEditing != nil || c.Pages != nil { // it has to learn that
		p.o.Devices.Restart(d.ID)
	}
	return p.oneDevice(ctx, d)
}

func (p *Panel) deleteDevice(ctx context.Context, in *WithID) (*nothing, error) {
	if _, err := p.device(ctx, in.ID); err != nil {
		return nil, err
	}
	if err := p.o.Accounts.DeleteDevice(ctx, actor(ctx), in.ID); err != nil {
		return nil, err
	}
	p.o.Devices.Forget(ctx, in.ID)
	return nil, nil
}

func (p *Panel) rotateDevice(ctx context.Context, in *WithID) (*nothing, error) {
	d, err := p.device(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if !p.o.Devices.State(d).Online {
		return nil, &account.Error{Code: account.Conflict, Key: "api.device.offline"}
	}
	return nil, p.o.Devices.Rotate(ctx, d.ID)
}

func (p *Panel) openDevice(ctx context.Context, in *WithID) (*answer[openBody], error) {
	d, err := p.device(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	switch state := p.o.Devices.State(d); {
	case state.LocalOnly:
		return nil, &account.Error{Code: account.Forbidden, Key: "api.device.forbidden"}
	case !state.Online:
		return nil, &account.Error{Code: account.Conflict, Key: "api.device.offline"}
	}
	code, d, err := p.o.Accounts.OpenDevice(ctx, actor(ctx), in.ID)
	if err != nil {
		return nil, err
	}
	return reply(openBody{p.o.Devices.EditorURL(d) + "?code=" + url.QueryEscape(code)}), nil
}

type openPagesInput struct {
	WithID
	Body struct {
		To string `json:"to,omitempty" maxLength:"2000" doc:"Path and query of the page to go to; default: /"`
	}
}

func (p *Panel) openDevicePages(ctx context.Context, in *openPagesInput) (*answer[openBody], error) {
	d, err := p.device(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	state := p.o.Devices.State(d)
	most, known := account.ParsePages(state.DevicePages)
	switch {
	case !state.Online:
		return nil, &account.Error{Code: account.Conflict, Key: "api.device.offline"}
	case !known:
		return nil, &account.Error{Code: account.Conflict, Key: "api.device.old_pages"}
	case d.Pages.Least(most) == account.PagesNone:
		return nil, &account.Error{Code: account.Forbidden, Key: "api.device.no_pages"}
	}
	code, d, err := p.o.Accounts.OpenDevicePages(ctx, actor(ctx), in.ID)
	if err != nil {
		return nil, err
	}
	return reply(openBody{p.o.Devices.PagesEntry(d, code, in.Body.To)}), nil
}
