// Package history keeps messages of chosen topics of an instance, each choice within a bound of bytes and days: the
// oldest go first. Each instance has a SQLite file of its own.
//
// What is to be kept comes by a persistent session inside of the process: a QoS 1 or 2 message is acknowledged when it is
// on disk, and kept once however often it comes. QoS 0 messages are kept where the server is up.
package history

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"tsunagi/internal/account"
	"tsunagi/internal/topic"
)

// Message is one that is kept.
type Message struct {
	ID      int64 // ascending in the order in which messages were kept
	Time    time.Time
	Topic   string
	Payload []byte
	QoS     byte
	Retain  bool
	Client  string

	place uint64 // in the instance's log; 0: QoS 0
}

// overhead is what a kept message is charged with besides topic and payload, in bytes.
const overhead = 64

// scanned is how many rows one page looks through for a filter with wildcards, or for a text.
const scanned = 50_000

// searched is how many bytes of payloads one page of a search looks through.
const searched = 64 << 20

const tables = `
create table if not exists message (
	id      integer primary key autoincrement,
	filter  text not null,
	place   integer,
	time    integer not null,
	topic   text not null,
	payload blob not null,
	qos     integer not null,
	retain  integer not null,
	client  text not null,
	size    integer not null,
	unique (place, time) -- a log begins anew when its instance is reset
) strict;
create index if not exists message_topic on message (topic, id);
create index if not exists message_filter on message (filter, id);
`

// file is the history of one instance. Its methods may be called from many goroutines.
type file struct {
	db   *sql.DB
	sums map[string]int64 // bytes by choice; nil: not known. Of who calls add
}

func openFile(ctx context.Context, path string) (*file, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		return nil, err
	}
	query := url.Values{"_txlock": {"immediate"}, "_pragma": {"busy_timeout=10000", "page_size=4096", "auto_vacuum=incremental", "journal_mode=wal",
		"synchronous=full", "temp_store=memory", "trusted_schema=0", "cache_size=-1024", "journal_size_limit=4194304"}}
	dsn := url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(path), RawQuery: query.Encode()}
	db, err := sql.Open("sqlite", dsn.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(4)
	db.SetConnMaxIdleTime(time.Minute)
	if _, err := db.ExecContext(ctx, tables); err != nil {
		return nil, errors.Join(fmt.Errorf("history %s: %w", path, err), db.Close())
	}
	return &file{db: db}, nil
}

func (f *file) close() error { return f.db.Close() }

// kept is a message with the choice that it is kept for.
type kept struct {
	Message
	filter string
}

func (k *kept) size() int64 { return int64(len(k.Topic) + len(k.Payload) + overhead) }

// add keeps messages in one transaction and lets the oldest of each choice go until it is within its bound. What is kept
// already is left out. It returns when all is on disk. It is called by one goroutine at a time.
func (f *file) add(ctx context.Context, list []kept, choices []account.HistoryFilter, now time.Time) error {
	sums, err := f.keep(ctx, list, choices, now)
	if err != nil {
		f.sums = nil // read anew
		return fmt.Errorf("keep history: %w", err)
	}
	f.sums = sums
	return nil
}

func (f *file) keep(ctx context.Context, list []kept, choices []account.HistoryFilter, now time.Time) (map[string]int64, error) {
	sums := f.sums
	if sums == nil {
		sums = map[string]int64{}
		all, err := f.use(ctx)
		if err != nil {
			return nil, err
		}
		for filter, u := range all {
			sums[filter] = u.Bytes
		}
	}
	tx, err := f.db.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback() }() // nothing where it was committed
	for i := range list {
		k := &list[i]
		place := sql.NullInt64{Int64: int64(k.place), Valid: k.place != 0}
		done, err := tx.ExecContext(ctx, "insert into message (filter, place, time, topic, payload, qos, retain, client, size) "+
			"values (?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (place, time) do nothing", k.filter, place, k.Time.UnixMilli(), k.Topic, k.Payload, k.QoS, k.Retain, k.Client, k.size())
		if err != nil {
			return nil, err
		}
		if n, err := done.RowsAffected(); err == nil && n > 0 {
			sums[k.filter] += k.size()
		}
	}
	t := trimming{tx, sums, now}
	for filter := range sums {
		if err := t.trim(ctx, filter, choices); err != nil {
			return nil, err
		}
	}
	return sums, tx.Commit()
}

// trimming lets messages go inside of a transaction.
type trimming struct {
	tx   *sql.Tx
	sums map[string]int64
	now  time.Time
}

// trimAtOnce is how many messages one step lets go at most.
const trimAtOnce = 10_000

func (t *trimming) trim(ctx context.Context, filter string, choices []account.HistoryFilter) error {
	i := slices.IndexFunc(choices, func(c account.HistoryFilter) bool { return c.Filter == filter })
	if i < 0 { // no choice any more
		delete(t.sums, filter)
		_, err := t.tx.ExecContext(ctx, "delete from message where filter = ?", filter)
		return err
	}
	c, least := choices[i], int64(0)
	if c.Days > 0 {
		least = t.now.AddDate(0, 0, -c.Days).UnixMilli()
	}
	for {
		more, err := t.step(ctx, filter, c.Bytes, least)
		if err != nil || !more {
			return err
		}
	}
}

// step lets the oldest go that are over the bound of bytes (with a twentieth of it, so that it isn't there for each
// message), or from before a time in ms.
func (t *trimming) step(ctx context.Context, filter string, bound, least int64) (more bool, err error) {
	rows, err := t.tx.QueryContext(ctx, "select id, size, time from message where filter = ? order by id limit ?", filter, trimAtOnce)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	target := t.sums[filter]
	if target > bound {
		target = bound - bound/20
	}
	last, freed, n := int64(0), int64(0), 0
	for rows.Next() {
		var id, size, at int64
		if err := rows.Scan(&id, &size, &at); err != nil {
			return false, err
		}
		if t.sums[filter]-freed <= target && at >= least {
			break
		}
		last, freed, n = id, freed+size, n+1
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil || n == 0 {
		return false, err
	}
	t.sums[filter] -= freed
	_, err = t.tx.ExecContext(ctx, "delete from message where filter = ? and id <= ?", filter, last)
	return n == trimAtOnce, err
}

// contains says whether wanted, in lower case, is in the topic, the payload or the client id; nothing is in everything.
func (m *Message) contains(wanted []byte) bool {
	return len(wanted) == 0 || bytes.Contains(bytes.ToLower(m.Payload), wanted) ||
		strings.Contains(strings.ToLower(m.Topic), string(wanted)) || strings.Contains(strings.ToLower(m.Client), string(wanted))
}

// Query chooses messages, newest first.
type Query struct {
	Filter   string    // topic, or filter with wildcards; "" for all
	Contains string    // part of topic, payload or client id, whatever the case; "" for all
	From, To time.Time // zero: no bound
	Before   int64     // ids below this one; 0 from the newest
	Limit    int       // at most so many, above 0
	Bytes    int       // of topics and payloads, at most, but for the first message; 0: no bound
}

// read is one page; next is the cursor of the next one, 0 on the last. A page for a filter that matches little may hold
// less than Limit and still have a next one.
func (f *file) read(ctx context.Context, q Query) (list []Message, next int64, err error) {
	text, args := "select id, time, topic, payload, qos, retain, client from message where true", []any{}
	wild := false
	if q.Filter != "" {
		parsed, err := topic.ParseFilter(q.Filter)
		if err != nil {
			return nil, 0, err
		}
		if wild = strings.ContainsAny(parsed.Filter, "+#"); !wild {
			text, args = text+" and topic = ?", append(args, q.Filter)
		}
	}
	if !q.From.IsZero() {
		text, args = text+" and time >= ?", append(args, q.From.UnixMilli())
	}
	if !q.To.IsZero() {
		text, args = text+" and time <= ?", append(args, q.To.UnixMilli())
	}
	if q.Before > 0 {
		text, args = text+" and id < ?", append(args, q.Before)
	}
	most := q.Limit
	wanted := bytes.ToLower([]byte(q.Contains))
	if wild || len(wanted) > 0 {
		most = scanned
	}
	rows, err := f.db.QueryContext(ctx, text+" order by id desc limit ?", append(args, most)...)
	if err != nil {
		return nil, 0, fmt.Errorf("read history: %w", err)
	}
	defer rows.Close()
	seen, size, looked := 0, 0, 0
	for rows.Next() {
		var m Message
		var at int64
		if err := rows.Scan(&m.ID, &at, &m.Topic, &m.Payload, &m.QoS, &m.Retain, &m.Client); err != nil {
			return nil, 0, fmt.Errorf("read history: %w", err)
		}
		if wild && !topic.Match(q.Filter, m.Topic) || !m.contains(wanted) {
			seen, next = seen+1, m.ID
			if looked += len(m.Payload); looked > searched {
				return list, next, nil
			}
			continue
		}
		if size += len(m.Topic) + len(m.Payload); q.Bytes > 0 && size > q.Bytes && len(list) > 0 {
			return list, next, nil
		}
		seen, next = seen+1, m.ID
		m.Time = time.UnixMilli(at).UTC()
		if list = append(list, m); len(list) == q.Limit {
			return list, next, nil
		}
	}
	if err := rows.Err(); err != nil {
		return nil, 0, fmt.Errorf("read history: %w", err)
	}
	if seen < most {
		next = 0
	}
	return list, next, nil
}

// Topic is one that has messages.
type Topic struct {
	Topic string
	Count int
	Last  time.Time
}

// topics are at most limit topics in their order.
func (f *file) topics(ctx context.Context, limit int) (list []Topic, err error) {
	rows, err := f.db.QueryContext(ctx, "select topic, count(*), max(time) from message group by topic order by topic limit ?", limit)
	if err != nil {
		return nil, fmt.Errorf("read history: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var t Topic
		var at int64
		if err := rows.Scan(&t.Topic, &t.Count, &at); err != nil {
			return nil, fmt.Errorf("read history: %w", err)
		}
		t.Last = time.UnixMilli(at).UTC()
		list = append(list, t)
	}
	return list, rows.Err()
}

// Use is what a choice takes up.
type Use struct {
	Bytes    int64
	Messages int
}

func (f *file) use(ctx context.Context) (map[string]Use, error) {
	rows, err := f.db.QueryContext(ctx, "select filter, sum(size), count(*) from message group by filter")
	if err != nil {
		return nil, fmt.Errorf("read history: %w", err)
	}
	defer rows.Close()
	all := map[string]Use{}
	for rows.Next() {
		var filter string
		var u Use
		if err := rows.Scan(&filter, &u.Bytes, &u.Messages); err != nil {
			return nil, fmt.Errorf("read history: %w", err)
		}
		all[filter] = u
	}
	return all, rows.Err()
}
