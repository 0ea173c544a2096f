package admin

import (
	"context"
	"fmt"
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
	// Kick ends the connection of a client id; false when there is none.
	Kick(instance, clientID string) bool
	// Forget ends a session for good, with its connection; false when there is none.
	Forget(instance, clientID string) bool
	// Restart ends all connections of an instance and loads its state anew.
	Restart(ctx context.Context, instance string) error
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

// OnLog says where the logs of the instances are; it comes before Start.
func (s *Server) OnLog(j *account.Journal) { s.journal = j }

type clientsShape struct {
	Items []Client `json:"items"`
	Total int      `json:"total"` // that match; the list is cut where there are more
}

type clientName struct{ Client string }

type logShape struct {
	Items      []account.LogLine `json:"items"`
	Next       int64             `json:"next,omitempty"`       // --before of the next page
	SearchedTo time.Time         `json:"searched_to,omitzero"` // a search has looked at as many lines as one may; next goes on
}

// brokerRoutes are the routes about clients and logs.
func (s *Server) brokerRoutes(mux *http.ServeMux) {
	on := func(pattern string, f func(*http.Request) (any, error)) {
		mux.Handle(pattern, s.answer(func(r *http.Request) (any, error) {
			if s.brokers == nil {
				return nil, &account.Error{Code: account.NotFound, Key: "api.not_found"}
			}
			return f(r)
		}))
	}
	on("GET /instances/{id}/clients", s.listClients)
	on("POST /instances/{id}/kick", s.endClient("connection.kick", func(instance, client string) bool { return s.brokers.Kick(instance, client) }))
	on("POST /instances/{id}/forget", s.endClient("session.forget", func(instance, client string) bool { return s.brokers.Forget(instance, client) }))
	on("POST /instances/{id}/restart", s.restartInstance)
	mux.Handle("PATCH /instances/{id}", s.answer(s.setInstance))
	mux.Handle("GET /instances/{id}/log", s.answer(s.readLog))
}

func (s *Server) listClients(r *http.Request) (any, error) {
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

// endClient is a handler that ends something of a client, and says so in the record.
func (s *Server) endClient(action string, end func(instance, client string) bool) func(*http.Request) (any, error) {
	return func(r *http.Request) (any, error) {
		in, err := decode[clientName](r)
		if err != nil {
			return nil, err
		}
		if err := s.accounts.AuditInstance(r.Context(), actor(), r.PathValue("id"), action, in.Client); err != nil {
			return nil, err
		}
		if !end(r.PathValue("id"), in.Client) {
			return nil, &account.Error{Code: account.NotFound, Key: "api.client_gone"}
		}
		return nil, nil
	}
}

func (s *Server) restartInstance(r *http.Request) (any, error) {
	if err := s.accounts.AuditInstance(r.Context(), actor(), r.PathValue("id"), "instance.restart", ""); err != nil {
		return nil, err
	}
	return nil, s.brokers.Restart(r.Context(), r.PathValue("id"))
}

func (s *Server) setInstance(r *http.Request) (any, error) {
	in, err := decode[account.InstanceChange](r)
	if err != nil {
		return nil, err
	}
	i, err := s.accounts.ChangeInstance(r.Context(), actor(), r.PathValue("id"), in)
	return showInstance(i), err
}

// readLog is one page of an instance's log, newest first.
func (s *Server) readLog(r *http.Request) (any, error) {
	if s.journal == nil {
		return nil, &account.Error{Code: account.NotFound, Key: "api.not_found"}
	}
	if _, err := s.accounts.Instance(r.Context(), actor(), r.PathValue("id")); err != nil {
		return nil, err
	}
	q := r.URL.Query()
	before, limit := int64(0), 0
	var err error
	if text := q.Get("before"); text != "" {
		before, err = strconv.ParseInt(text, 10, 64)
	}
	if text := q.Get("limit"); text != "" && err == nil {
		limit, err = strconv.Atoi(text)
	}
	if err != nil {
		return nil, &account.Error{Code: account.Invalid, Key: "api.invalid"}
	}
	found, err := s.journal.Read(r.Context(), account.LogQuery{Instance: r.PathValue("id"), Kind: q.Get("kind"), Contains: q.Get("query"), Before: before, Limit: limit})
	if found.Lines == nil {
		found.Lines = []account.LogLine{}
	}
	return logShape{found.Lines, found.Next, found.SearchedTo}, err
}

// brokerCommands are the commands about clients and logs.
func brokerCommands() []command {
	none := func(*pflag.FlagSet) {}
	query := func(f *pflag.FlagSet) {
		f.String("query", "", "part of the client id, user or address; case is ignored [all]")
	}
	return []command{
		{"instance rename", "INSTANCE NAME", "give an instance another name", none, renameInstance},
		{"instance plan", "INSTANCE PLAN", "put an instance on another plan; its bounds hold at once", none, planInstance},
		{"instance restart", "INSTANCE", "end all connections of an instance and load its state anew", none, restartInstance},
		{"connection list", "INSTANCE", "list the connected clients, at most 10,000", query, func(k *call) error { return k.clients(false) }},
		{"connection kick", "INSTANCE CLIENT", "end the connection of a client; its session stays", none, func(k *call) error { return k.end("kick") }},
		{"session list", "INSTANCE", "list the sessions, of clients that are away too, at most 10,000", query, func(k *call) error { return k.clients(true) }},
		{"session forget", "INSTANCE CLIENT", "end a session for good, with its connection and what waits for it", none, func(k *call) error { return k.end("forget") }},
		{"log show", "INSTANCE", "show the log, newest lines first", func(f *pflag.FlagSet) {
			f.String("kind", "", "connected, disconnected, refused, denied, dropped, takeover or fight [all]")
			f.String("query", "", "part of client, user, topic, address, rule or cause [all]")
			f.Int("limit", 100, "lines, at most 1000")
			f.Int64("before", 0, "only older lines than this id, which the page before tells")
		}, showLog},
	}
}

func renameInstance(k *call) error {
	return k.setInstance(account.InstanceChange{Name: &k.args[1]})
}

func planInstance(k *call) error {
	return k.setInstance(account.InstanceChange{Plan: &k.args[1]})
}

func (k *call) setInstance(in account.InstanceChange) error {
	var i instanceShape
	if err := k.client.call(k.ctx, http.MethodPatch, path("instances", k.args[0]), in, &i); err != nil {
		return err
	}
	return k.print(i, row("instance", i.ID), row("name", i.Name), row("plan", i.Plan))
}

func restartInstance(k *call) error {
	return k.client.call(k.ctx, http.MethodPost, path("instances", k.args[0], "restart"), nil, nil)
}

func (k *call) end(how string) error {
	return k.client.call(k.ctx, http.MethodPost, path("instances", k.args[0], how), clientName{k.args[1]}, nil)
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

func showLog(k *call) error {
	before, err := k.flags.GetInt64("before")
	if err != nil {
		return err
	}
	q := url.Values{"kind": {k.text("kind")}, "query": {k.text("query")}, "limit": {strconv.Itoa(k.number("limit"))}, "before": {strconv.FormatInt(before, 10)}}
	var out logShape
	if err := k.client.call(k.ctx, http.MethodGet, path("instances", k.args[0], "log")+"?"+q.Encode(), nil, &out); err != nil {
		return err
	}
	rows := []string{row("ID", "TIME", "KIND", "CLIENT", "USER", "FROM", "TOPIC", "CAUSE")}
	for _, l := range out.Items {
		rows = append(rows, row(l.ID, l.Time, l.Kind, l.Client, l.User, l.Remote, l.Topic, l.Cause))
	}
	if out.Next != 0 {
		rows = append(rows, row(fmt.Sprintf("older: --before %d", out.Next)))
	}
	return k.print(out, rows...)
}
