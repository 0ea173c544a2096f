package panel

import (
	"context"
	"encoding/base64"
	"encoding/csv"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"tsunagi/internal/account"
)

// Histories read what instances keep of their messages. An instance that keeps nothing has none.
type Histories interface {
	Read(ctx context.Context, instance string, q HistoryQuery) (list []HistoryMessage, next int64, err error)
	// Topics are at most limit topics that have messages.
	Topics(ctx context.Context, instance string, limit int) ([]HistoryTopic, error)
	// Use is what the filters of an instance take up.
	Use(ctx context.Context, instance string) (map[string]HistoryUse, error)
}

// HistoryQuery chooses kept messages.
type HistoryQuery struct {
	Filter   string
	Contains string    // part of topic, payload or client id, whatever the case
	From, To time.Time // zero: no bound
	Before   int64     // ids below this one; 0 from the newest
	Limit    int
	Bytes    int // at most
}

// HistoryMessage is a kept message.
type HistoryMessage struct {
	ID      int64
	Time    time.Time
	Topic   string
	Payload []byte
	QoS     byte
	Retain  bool
	Client  string
}

// HistoryTopic is a topic with kept messages.
type HistoryTopic struct {
	Topic string    `json:"topic"`
	Count int       `json:"count"`
	Last  time.Time `json:"last"`
}

// HistoryUse is what a filter takes up.
type HistoryUse struct {
	Bytes    int64
	Messages int
}

type historyFilterBody struct {
	Filter string `json:"filter" maxLength:"1024" example:"sensors/#"`
	Bytes  int64  `json:"bytes" doc:"At most, of topics and payloads; the oldest go first"`
	Days   int    `json:"days,omitempty" doc:"At most; 0: no bound"`
}

type historyUseBody struct {
	Filter   string `json:"filter"`
	Bytes    int64  `json:"bytes" doc:"At most"`
	Days     int    `json:"days" doc:"At most; 0: no bound"`
	Used     int64  `json:"used" doc:"Bytes"`
	Messages int    `json:"messages"`
}

type choicesBody struct {
	Filters []historyUseBody `json:"filters"`
	Limit   int              `json:"limit" doc:"Bytes that the plan allows in all; 0: no limit"`
}

func (p *Panel) getChoices(ctx context.Context, in *WithID) (*tagged[choicesBody], error) {
	by := actor(ctx)
	i, err := p.o.Accounts.Instance(ctx, by, in.ID)
	if err != nil {
		return nil, err
	}
	list, err := p.o.Accounts.History(ctx, by, in.ID)
	if err != nil {
		return nil, err
	}
	use := map[string]HistoryUse{}
	if p.o.Histories != nil {
		if use, err = p.o.Histories.Use(ctx, i.ID); err != nil {
			return nil, err
		}
	}
	out := choicesBody{Filters: []historyUseBody{}, Limit: p.o.Accounts.Plan(i.Plan).HistoryBytes}
	for _, f := range list {
		out.Filters = append(out.Filters, historyUseBody{f.Filter, f.Bytes, f.Days, use[f.Filter].Bytes, use[f.Filter].Messages})
	}
	row, err := account.HistoryRow(i.ID, list)
	return tag(p, row, out), err
}

type changeHistoryInput struct {
	WithID
	Body struct {
		Filters []historyFilterBody `json:"filters" maxItems:"100" doc:"Of several that match, the first one keeps a message"`
	}
}

func (p *Panel) changeHistory(ctx context.Context, in *changeHistoryInput) (*tagged[choicesBody], error) {
	list := make([]account.HistoryFilter, 0, len(in.Body.Filters))
	for _, f := range in.Body.Filters {
		list = append(list, account.HistoryFilter(f))
	}
	if err := p.o.Accounts.SetHistory(ctx, actor(ctx), in.ID, list); err != nil {
		return nil, err
	}
	return p.getChoices(ctx, &in.WithID)
}

// HistoryInput chooses kept messages.
type HistoryInput struct {
	WithID
	Filter string    `query:"filter" maxLength:"65535" doc:"Topic, or filter; empty: all"`
	Query  string    `query:"query" maxLength:"256" doc:"Part of topic, payload or client id; case is ignored"`
	From   time.Time `query:"from" doc:"Not older"`
	To     time.Time `query:"to" doc:"Not newer"`
	Before int64     `query:"cursor" minimum:"0" doc:"Older ones than the page before"`
}

// query is what is asked for, of an instance that the caller may read.
func (p *Panel) historyQuery(ctx context.Context, in *HistoryInput) (q HistoryQuery, err error) {
	if _, err := p.o.Accounts.Instance(ctx, actor(ctx), in.ID); err != nil {
		return q, err
	}
	q = HistoryQuery{Contains: in.Query, From: in.From, To: in.To, Before: in.Before}
	if in.Filter != "" {
		q.Filter, err = wantFilter(in.Filter)
	}
	return q, err
}

type listHistoryInput struct {
	HistoryInput
	Limit int `query:"limit" minimum:"0" maximum:"1000" doc:"0: 100"`
}

type historyMessageBody struct {
	ID       string    `json:"id"`
	Time     time.Time `json:"time" doc:"When the server accepted it"`
	Topic    string    `json:"topic"`
	Payload  string    `json:"payload"`
	Encoding string    `json:"encoding" enum:"text,base64"`
	QoS      byte      `json:"qos"`
	Retain   bool      `json:"retain"`
	Client   string    `json:"client,omitempty" doc:"Client id that published it, where it is known"`
}

// historyPage is how much one page holds at most, in bytes.
const historyPage = 4 << 20

func (p *Panel) listHistory(ctx context.Context, in *listHistoryInput) (*answer[page[historyMessageBody]], error) {
	q, err := p.historyQuery(ctx, &in.HistoryInput)
	if err != nil {
		return nil, err
	}
	q.Limit, q.Bytes = account.PageSize(in.Limit), historyPage
	var list []HistoryMessage
	next := int64(0)
	if p.o.Histories != nil {
		if list, next, err = p.o.Histories.Read(ctx, in.ID, q); err != nil {
			return nil, err
		}
	}
	out := pageOf(list, func(m HistoryMessage) historyMessageBody {
		b := historyMessageBody{ID: strconv.FormatInt(m.ID, 10), Time: m.Time, Topic: m.Topic, QoS: m.QoS, Retain: m.Retain, Client: m.Client}
		b.Payload, b.Encoding = encoded(m.Payload)
		return b
	})
	if next > 0 {
		out.Next = strconv.FormatInt(next, 10)
	}
	return reply(out), nil
}

// encoded is a payload as text, or as Base64 where it is none.
func encoded(payload []byte) (text, encoding string) {
	if utf8.Valid(payload) {
		return string(payload), "text"
	}
	return base64.StdEncoding.EncodeToString(payload), "base64"
}

func (p *Panel) listHistoryTopics(ctx context.Context, in *WithID) (*answer[page[HistoryTopic]], error) {
	i, err := p.o.Accounts.Instance(ctx, actor(ctx), in.ID)
	if err != nil {
		return nil, err
	}
	var list []HistoryTopic
	if p.o.Histories != nil {
		if list, err = p.o.Histories.Topics(ctx, i.ID, 1000); err != nil {
			return nil, err
		}
	}
	return reply(pageOf(list, func(t HistoryTopic) HistoryTopic { return t })), nil
}

// Bounds of one table.
const (
	csvRows  = 100_000
	csvBytes = 32 << 20
)

// getHistoryCSV sends the table while it is read, so that many who ask at once take up a page each.
func (p *Panel) getHistoryCSV(ctx context.Context, in *HistoryInput) (*huma.StreamResponse, error) {
	q, err := p.historyQuery(ctx, in)
	if err != nil {
		return nil, err
	}
	by := actor(ctx).Account.ID
	if !p.streams.enter(by) {
		return nil, &account.Error{Code: account.RateLimited, Key: "api.busy", Wait: streamPulse}
	}
	return &huma.StreamResponse{Body: func(c huma.Context) {
		defer p.streams.leave(by)
		_, w := humago.Unwrap(c)
		w.Header().Set("Content-Type", "text/csv; charset=utf-8")
		w.Header().Set("Content-Disposition", `attachment; filename="history-`+in.ID+`.csv"`)
		control := http.NewResponseController(w)
		out := &counted{w: patientWriter{w, control}}
		err := writeHistory(ctx, p.o.Histories, in.ID, q, out, func(rows int) bool {
			if rows > 0 {
				_ = control.Flush() // the peer may be gone: the next write tells
			}
			return rows >= csvRows || out.n >= csvBytes
		})
		if err != nil {
			if ctx.Err() == nil {
				p.o.Log.Warn("table of a history broke off", "instance", in.ID, "error", err)
			}
			panic(http.ErrAbortHandler) // so that what has been sent isn't taken for whole
		}
	}}, nil
}

// counted counts what is written, in bytes.
type counted struct {
	w io.Writer
	n int
}

func (c *counted) Write(b []byte) (n int, err error) {
	n, err = c.w.Write(b)
	c.n += n
	return n, err
}

// harmless keeps a spreadsheet from taking a cell for a formula, in the wide form of Japanese ones, too; numbers stay as
// they are.
func harmless(cell string) string {
	if first, _ := utf8.DecodeRuneInString(cell); cell == "" || !strings.ContainsRune("=+-@\t\r\n＝＋－＠", first) {
		return cell
	}
	if _, err := strconv.ParseFloat(cell, 64); err == nil {
		return cell
	}
	return "'" + cell
}

// WriteHistory writes all kept messages that q chooses as a table, newest first. A wrong filter is told before anything is
// written. Limit, Bytes and Before of q mean nothing.
func WriteHistory(ctx context.Context, h Histories, instance string, q HistoryQuery, to io.Writer) (err error) {
	if q.Filter != "" {
		if q.Filter, err = wantFilter(q.Filter); err != nil {
			return err
		}
	}
	q.Before = 0
	return writeHistory(ctx, h, instance, q, to, func(int) bool { return false })
}

// writeHistory writes kept messages as a table until it is full, which is asked before each page. A nil h has none.
func writeHistory(ctx context.Context, h Histories, instance string, q HistoryQuery, to io.Writer, full func(rows int) bool) error {
	w := csv.NewWriter(to)
	_ = w.Write([]string{"time", "topic", "payload", "encoding", "qos", "retain", "client"}) // Flush and Error tell of failures
	for rows := 0; h != nil && !full(rows); {
		q.Limit, q.Bytes = 1000, historyPage
		list, next, err := h.Read(ctx, instance, q)
		if err != nil {
			return err
		}
		for _, m := range list {
			payload, encoding := encoded(m.Payload)
			_ = w.Write([]string{m.Time.Format("2006-01-02T15:04:05.000Z"), harmless(m.Topic), harmless(payload), encoding, strconv.Itoa(int(m.QoS)),
				strconv.FormatBool(m.Retain), harmless(m.Client)})
		}
		w.Flush()
		if err := w.Error(); err != nil {
			return err
		}
		if rows, q.Before = rows+len(list), next; next == 0 {
			break
		}
	}
	w.Flush()
	return w.Error()
}
