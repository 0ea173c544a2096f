package admin

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/spf13/pflag"

	"tsunagi/internal/account"
)

// Histories read what instances keep of their messages.
type Histories interface {
	// Use is what the filters of an instance take up.
	Use(ctx context.Context, instance string) (map[string]HistoryUse, error)
	// Write writes kept messages as a table (CSV), newest first. A wrong filter is told before anything is written.
	Write(ctx context.Context, instance string, wish HistoryWish, to io.Writer) error
}

// HistoryUse is what a filter takes up.
type HistoryUse struct {
	Bytes    int64
	Messages int
}

// HistoryWish chooses kept messages.
type HistoryWish struct {
	Filter   string    // topic or filter; "": all
	From, To time.Time // zero: no bound
}

// OnHistory says who keeps messages; it comes before Start. Without it nobody does here.
func (s *Server) OnHistory(h Histories) { s.histories = h }

type historyShape struct {
	Filter   string `json:"filter"`
	Bytes    int64  `json:"bytes"` // at most
	Days     int    `json:"days"`  // at most; 0: no bound
	Used     int64  `json:"used"`  // bytes
	Messages int    `json:"messages"`
}

// historyChange begins or ends the keeping of a filter, or changes its bounds; nil stays as it is.
type historyChange struct {
	Filter string
	Off    bool
	Bytes  *int64 // [defaultHistory]
	Days   *int   // [0]
}

// defaultHistory is how many bytes a new choice keeps where nothing is said.
const defaultHistory = 10_000_000

// historyRoutes are the routes about kept messages.
func (s *Server) historyRoutes(mux *http.ServeMux) {
	mux.Handle("GET /instances/{id}/history", s.answer(s.listHistory))
	mux.Handle("POST /instances/{id}/history", s.answer(s.changeHistory))
	mux.HandleFunc("POST /instances/{id}/history/export", s.exportHistory)
}

func (s *Server) listHistory(r *http.Request) (any, error) {
	if s.histories == nil {
		return nil, &account.Error{Code: account.NotFound, Key: "api.not_found"}
	}
	list, err := s.accounts.History(r.Context(), actor(), r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	use, err := s.histories.Use(r.Context(), r.PathValue("id"))
	return showAll(list, func(f account.HistoryFilter) historyShape {
		return historyShape{f.Filter, f.Bytes, f.Days, use[f.Filter].Bytes, use[f.Filter].Messages}
	}), err
}

func (s *Server) changeHistory(r *http.Request) (any, error) {
	if s.histories == nil {
		return nil, &account.Error{Code: account.NotFound, Key: "api.not_found"}
	}
	in, err := decode[historyChange](r)
	if err != nil {
		return nil, err
	}
	if err := s.accounts.EditHistory(r.Context(), actor(), r.PathValue("id"), in.edit); err != nil {
		return nil, err
	}
	return s.listHistory(r)
}

// edit carries the change out on the choices of an instance.
func (in historyChange) edit(list []account.HistoryFilter) ([]account.HistoryFilter, error) {
	n := slices.IndexFunc(list, func(f account.HistoryFilter) bool { return f.Filter == in.Filter })
	if in.Off {
		if n < 0 {
			return nil, &account.Error{Code: account.NotFound, Key: "api.not_found"}
		}
		return slices.Delete(list, n, n+1), nil
	}
	if n < 0 {
		n, list = len(list), append(list, account.HistoryFilter{Filter: in.Filter, Bytes: defaultHistory})
	}
	if in.Bytes != nil {
		list[n].Bytes = *in.Bytes
	}
	if in.Days != nil {
		list[n].Days = *in.Days
	}
	return list, nil
}

// exportHistory streams the table, however long that takes, as long as the caller goes on reading.
func (s *Server) exportHistory(w http.ResponseWriter, r *http.Request) {
	wish, err := historyWish(r.URL.Query())
	if err == nil && s.histories == nil {
		err = &account.Error{Code: account.NotFound, Key: "api.not_found"}
	}
	if err == nil {
		_, err = s.accounts.Instance(r.Context(), actor(), r.PathValue("id"))
	}
	to := &patient{w: w, control: http.NewResponseController(w)}
	if err == nil {
		_ = to.control.SetWriteDeadline(time.Time{}) // what a filter seldom matches takes its time
		w.Header().Set("Content-Type", "text/csv; charset=utf-8")
		err = s.histories.Write(r.Context(), r.PathValue("id"), wish, to)
	}
	switch {
	case err == nil:
	case to.written == 0:
		tell(w, http.StatusUnprocessableEntity, s.fault(r, err))
	default:
		s.log.Error("export of a history broke off", "error", err)
		panic(http.ErrAbortHandler) // so that what has been sent isn't taken for whole
	}
}

func historyWish(q url.Values) (wish HistoryWish, err error) {
	wish.Filter = q.Get("filter")
	for name, to := range map[string]*time.Time{"from": &wish.From, "to": &wish.To} {
		if text := q.Get(name); text != "" {
			if *to, err = time.Parse(time.RFC3339, text); err != nil {
				return wish, &account.Error{Code: account.Invalid, Key: "api.invalid"}
			}
		}
	}
	return wish, nil
}

// historyCommands are the commands about kept messages.
func historyCommands() []command {
	return []command{
		{"history list", "INSTANCE", "list the topic filters whose messages are kept, with what they take up", func(*pflag.FlagSet) {}, listHistory},
		{"history on", "INSTANCE FILTER", "keep the messages of a topic filter, or change its bounds", func(f *pflag.FlagSet) {
			f.Int64("bytes", defaultHistory, "at most so many; the oldest go first")
			f.Int("days", 0, "at most so many; 0: no bound")
		}, keepHistory},
		{"history off", "INSTANCE FILTER", "keep a topic filter no more; its messages are deleted", func(*pflag.FlagSet) {}, dropHistory},
		{"history export", "INSTANCE FILE", "write kept messages to a table (CSV), newest first; - for standard output", func(f *pflag.FlagSet) {
			f.String("filter", "", "topic or filter [all]")
			f.String("from", "", "not older than this time, such as 2026-11-23T10:00:00Z")
			f.String("to", "", "not newer than this time")
		}, exportHistory},
	}
}

func listHistory(k *call) error { return k.history(http.MethodGet, nil) }

func keepHistory(k *call) error {
	in := historyChange{Filter: k.args[1]}
	if k.flags.Changed("bytes") {
		n, err := k.flags.GetInt64("bytes")
		if err != nil {
			return err
		}
		in.Bytes = &n
	}
	if k.flags.Changed("days") {
		in.Days = new(k.number("days"))
	}
	return k.history(http.MethodPost, in)
}

func dropHistory(k *call) error {
	return k.history(http.MethodPost, historyChange{Filter: k.args[1], Off: true})
}

// history asks for the choices of an instance and prints them.
func (k *call) history(method string, in any) error {
	var list []historyShape
	if err := k.client.call(k.ctx, method, path("instances", k.args[0], "history"), in, &list); err != nil {
		return err
	}
	rows := []string{row("FILTER", "BYTES", "DAYS", "USED", "MESSAGES")}
	for _, f := range list {
		rows = append(rows, row(f.Filter, f.Bytes, f.Days, f.Used, f.Messages))
	}
	return k.print(list, rows...)
}

func exportHistory(k *call) error {
	q := url.Values{}
	for _, name := range []string{"filter", "from", "to"} {
		if text := k.text(name); text != "" {
			q.Set(name, text)
		}
	}
	if _, err := historyWish(q); err != nil {
		return &usageError{"--from and --to: want times such as 2026-11-23T10:00:00Z"}
	}
	from := path("instances", k.args[0], "history", "export") + "?" + q.Encode()
	if k.args[1] == "-" {
		_, err := k.client.export(k.ctx, from, k.out)
		return err
	}
	return k.save(k.args[1], func(w io.Writer) (int64, error) { return k.client.export(k.ctx, from, w) })
}
