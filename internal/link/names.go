package link

import (
	"context"
	"net"
	"strconv"
	"strings"

	"tsunagi/internal/account"
)

// Host is the host name of a device's editor.
func (h *Hub) Host(name string) string { return "edit-" + h.PagesHost(name) }

// PagesHost is the host name of the pages that a device's flows make.
func (h *Hub) PagesHost(name string) string { return name + h.o.Zone }

// EditorURL is the address of a device's editor, with a slash at the end.
func (h *Hub) EditorURL(name string) string { return h.origin(h.Host(name)) + "/" }

// PagesURL is the address of the pages that a device's flows make, with a slash at the end.
func (h *Hub) PagesURL(name string) string { return h.origin(h.PagesHost(name)) + "/" }

// PagesEntry is the address at which a browser gets to a device's pages with a code of the panel, and on to one of them.
func (h *Hub) PagesEntry(name, code, to string) string {
	return h.origin(h.PagesHost(name)) + entry(code, to)
}

func (h *Hub) origin(host string) string {
	if h.o.Port != 443 {
		host = net.JoinHostPort(host, strconv.Itoa(h.o.Port))
	}
	return "https://" + host
}

// Knows tells whether a host, with or without port, is an origin of a device.
func (h *Hub) Knows(host string) bool {
	_, _, err := h.byHost(context.Background(), host)
	return err == nil
}

// byHost finds the device whose editor a host is, or the origin of whose flows' pages. No name begins with edit-.
func (h *Hub) byHost(ctx context.Context, host string) (d account.Device, pages bool, err error) {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	name, ok := strings.CutSuffix(host, h.o.Zone)
	name, editor := strings.CutPrefix(name, "edit-")
	if !ok || !account.ValidLabel(name) {
		return d, false, &account.Error{Code: account.NotFound, Key: "api.not_found"}
	}
	d, err = h.o.Devices.FindDevice(ctx, "", name)
	return d, !editor, err
}
