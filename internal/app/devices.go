package app

import (
	"context"
	"net"
	"net/http"

	"tsunagi/internal/account"
	"tsunagi/internal/hosted"
	"tsunagi/internal/link"
	"tsunagi/internal/panel"
)

// openHub makes what takes the tunnels of devices. Like hosted flow servers they need a name for their origins.
func (c *cloud) openHub() {
	if c.doors.https == nil && !(c.cfg.BehindProxy && c.cfg.ProxyFlows) || net.ParseIP(c.cfg.Domain) != nil {
		return
	}
	c.hub = link.NewHub(link.Options{
		Devices: c.accounts, Key: c.linkKey, Zone: ".flows." + c.cfg.Domain, Port: number(c.publicPort()), Panel: c.panelURL(),
		Rewrite: hosted.Rewrite, Clean: hosted.Clean, Log: c.log,
	})
}

// addDevices puts the origins of devices beside those of the hosted flow servers: no name is both.
func (c *cloud) addDevices() {
	flows, known := c.sites.Flows, c.sites.FlowHost
	c.sites.Flows = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if flows != nil && known(r.Host) {
			flows.ServeHTTP(w, r)
			return
		}
		c.hub.ServeHTTP(w, r)
	})
	c.sites.FlowHost = func(host string) bool { return known != nil && known(host) || c.hub.Knows(host) }
}

// endTunnels ends the tunnels as the HTTPS server begins to stop, which waits for requests inside of them.
func (c *cloud) endTunnels() {
	ctx, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	if err := c.hub.Close(ctx); err != nil {
		c.log.Warn("tunnels not ended in time", "error", err)
	}
}

// panelDevices shows the devices' tunnels to the panel; nil where there are none.
func (c *cloud) panelDevices() panel.Devices {
	if c.hub == nil {
		return nil
	}
	return panelDevices{c.hub}
}

type panelDevices struct{ *link.Hub }

func (p panelDevices) State(d account.Device) panel.DeviceState {
	s := p.Hub.State(d.ID)
	out := panel.DeviceState{Online: s.Online, Remote: s.Remote, LocalOnly: s.NoEditing, DevicePages: s.Pages}
	if s.Online {
		out.Since = &s.Since
	}
	out.Ended, out.EndedAt = s.Ended.Reason, given(s.Ended.At)
	return out
}

func (p panelDevices) EditorURL(d account.Device) string { return p.Hub.EditorURL(d.Name) }

func (p panelDevices) PagesURL(d account.Device) string { return p.Hub.PagesURL(d.Name) }

func (p panelDevices) PagesEntry(d account.Device, code, to string) string {
	return p.Hub.PagesEntry(d.Name, code, to)
}

func (p panelDevices) PlatformKey() []byte { return p.Hub.PublicKey() }
