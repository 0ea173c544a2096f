package admin

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/spf13/pflag"

	"tsunagi/internal/account"
)

// Brokers are the running brokers of the instances. An instance without one has no clients.
type Brokers interface {
	// Clients are at most limit clients in the order of their ids, with how many there are. Those away come along if
	// wanted.
	Clients(instance, contains string, away bool, limit int) (list []Client, total int)
}

// Client is one that is connected, or whose session waits for it. It is also printed with --json.
type Client struct {
	ClientID      string    `json:"client_id"`
	User          string    `json:"user"`
	Connected     bool      `json:"connected"`
	Since         time.Time `json:"since"` // connected, or away
	Remote        string    `json:"remote,omitempty"`
	Via           string    `json:"via,omitempty"`
	Version       string    `json:"version,omitempty"` // of MQTT
	TLS           string    `json:"tls,omitempty"`
	KeepAlive     int       `json:"keep_alive"` // s
	Expiry        int64     `json:"expiry"`     // s that the session outlives its connection; -1: for ever
	Subscriptions []string  `json:"subscriptions"`
	Queue         int       `json:"queue"`
	QueueBytes    int       `json:"queue_bytes"`
	Inflight      int       `json:"inflight"`
	Lost          uint64    `json:"lost"` // messages that the session has not got
}

// maxClients is how many clients one list holds at most.
const maxClients = 10_000

// OnBrokers says where the clients are; it comes before Start.
func (s *Server) OnBrokers(b Brokers) { s.brokers = b }

type clientsShape struct {
	Items []Client `json:"items"`
	Total int      `json:"total"` // that match; the list is cut where there are more
}

func (s *Server) listClients(r *http.Request) (any, error) {
	if s.brokers == nil {
		return nil, &account.Error{Code: account.NotFound, Key: "api.not_found"}
	}
	if _, err := s.accounts.Instance(r.Context(), actor(), r.PathValue("id")); err != nil {
		return nil, err
	}
	q := r.URL.Query()
	list, total := s.brokers.Clients(r.PathValue("id"), q.Get("query"), q.Get("away") == "true", maxClients)
	if list == nil {
		list = []Client{}
	}
	return clientsShape{list, total}, nil
}

// clientCommands are the commands that list clients.
func clientCommands() []command {
	query := func(f *pflag.FlagSet) {
		f.String("query", "", "part of the client id, user or address; case is ignored [all]")
	}
	return []command{
		{"connection list", "INSTANCE", "list the connected clients, at most 10,000", query, func(k *call) error { return k.clients(false) }},
		{"session list", "INSTANCE", "list the sessions, of clients that are away too, at most 10,000", query, func(k *call) error { return k.clients(true) }},
	}
}

func (k *call) clients(away bool) error {
	q := url.Values{"query": {k.text("query")}, "away": {strconv.FormatBool(away)}}
	var out clientsShape
	if err := k.client.call(k.ctx, http.MethodGet, path("instances", k.args[0], "clients")+"?"+q.Encode(), nil, &out); err != nil {
		return err
	}
	rows := []string{row("CLIENT", "USER", "CONNECTED", "SINCE", "FROM", "VIA", "SUBSCRIPTIONS", "QUEUE", "LOST")}
	for _, c := range out.Items {
		rows = append(rows, row(c.ClientID, c.User, c.Connected, c.Since, c.Remote, c.Via, len(c.Subscriptions), c.Queue, c.Lost))
	}
	if more := out.Total - len(out.Items); more > 0 {
		rows = append(rows, row("and more", more))
	}
	return k.print(out, rows...)
}
