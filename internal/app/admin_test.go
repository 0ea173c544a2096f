package app

import (
	"io"
	"testing"
	"time"
)

// TestAdminEndsConnections sees a real client by `tsunagi admin`, ends its connection, and finds both in the log.
func TestAdminEndsConnections(t *testing.T) {
	w := serveWorld(t)
	p := w.signIn("owner@example.org")
	id, password := w.instance()
	c := w.client5(id, password, "pi-1")
	defer c.Close()
	var list struct {
		Items []struct {
			ClientID  string `json:"client_id"`
			User, Via string
			Connected bool
		}
		Total int
	}
	w.admin(&list, "connection", "list", id, "--query", "PI")
	if list.Total != 1 || len(list.Items) != 1 || list.Items[0].ClientID != "pi-1" || list.Items[0].User != id || list.Items[0].Via != "mqtts" || !list.Items[0].Connected {
		t.Errorf("connections %+v", list)
	}
	w.admin(nil, "connection", "kick", id, "pi-1")
	_ = c.SetReadDeadline(time.Now().Add(30 * time.Second))
	if _, err := io.ReadAll(c); err != nil {
		t.Errorf("it is still connected: %v", err)
	}
	p.until(func() bool { w.admin(&list, "connection", "list", id); return list.Total == 0 })
	if code, text := w.tryAdmin("session", "forget", id, "pi-1"); code == ExitOK {
		t.Errorf("a session that is no more: %s", text)
	}
	var log struct {
		Items []struct{ Kind, Client string }
	}
	p.until(func() bool { w.admin(&log, "log", "show", id, "--query", "pi-1"); return len(log.Items) == 2 })
	if log.Items[0].Kind != "disconnected" || log.Items[1].Kind != "connected" {
		t.Errorf("log %+v", log)
	}
	w.admin(nil, "instance", "restart", id)
	again := w.client5(id, password, "pi-2")
	again.Close()
}
