package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// settings of the server that is measured: as any other, but for its addresses and a plan with room for the loads.
const settings = `data = %q
https = "off"
mqtts = %q
mqtt = %q
http = %q
plain = true
[tls]
cert = %q
key = %q
[log]
level = "error"
[[plans]]
id = "bench"
name = "Bench"
default = true
instances = 10
connections = 100000
web_connections = 5
flow_servers = 0
max_packet = 16777216
queue_messages = 10000000
queue_bytes = 4294967296
retained_messages = 10000000
subscriptions = 1000000
users = 1000
`

// rules of the instance; the last one is what the load lives by.
var instanceRules = [][]string{
	{"deny", "publish", "announce/#"}, {"allow", "subscribe", "announce/#"}, {"allow", "both", "home/%u/#"},
	{"allow", "both", "devices/%c/#"}, {"allow", "publish", "logs/%u/+"}, {"deny", "both", "bench/secret/#"},
	{"allow", "both", "bench/#"},
}

// ours starts this program's server with an instance, access rules, limits and a user.
func (c *comparison) ours(ctx context.Context, dir string, free bool) (*server, error) {
	s, err := newServer("tsunagi", dir)
	if err != nil {
		return nil, err
	}
	data, file := filepath.Join(dir, "data"), filepath.Join(dir, "tsunagi.toml")
	text := fmt.Sprintf(settings, data, s.addr["mqtts"], s.addr["mqtt"], s.addr["ws"], s.cafile, filepath.Join(dir, "key.pem"))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, err
	}
	if err := s.launch(c.command(ctx, 0, free, c.tsunagi, "serve", "--config", file)); err != nil {
		return nil, err
	}
	if err := c.furnish(ctx, s, data); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

// furnish makes the instance and what is in it.
func (c *comparison) furnish(ctx context.Context, s *server, data string) error {
	if err := s.await(filepath.Join(data, "admin.sock")); err != nil { // the last door to open
		return err
	}
	if _, err := c.admin(ctx, data, "account", "create", "--email", "bench@example.com"); err != nil {
		return err
	}
	id, err := c.admin(ctx, data, "instance", "create", "--name", "bench")
	if err != nil {
		return err
	}
	user, err := c.admin(ctx, data, "user", "create", id.ID, "load")
	if err != nil {
		return err
	}
	for _, r := range instanceRules {
		if _, err := c.admin(ctx, data, append([]string{"rule", "create", id.ID}, r...)...); err != nil {
			return err
		}
	}
	s.user, s.pass = id.ID+":load", user.Password
	return nil
}

// made is what the commands of `tsunagi admin` answer, as far as it is needed here.
type made struct {
	ID       string `json:"id"`
	Password string `json:"password"`
}

func (c *comparison) admin(ctx context.Context, data string, args ...string) (made, error) {
	var m made
	cmd := c.command(ctx, 1, true, c.tsunagi, append(append([]string{"admin"}, args...), "--json", "--data", data)...)
	raw, err := cmd.Output()
	if err != nil {
		return m, fmt.Errorf("tsunagi admin %s %s: %w: %s", args[0], args[1], err, stderrOf(err))
	}
	return m, json.Unmarshal(raw, &m)
}
