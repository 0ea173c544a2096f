package panel_test

import (
	"bufio"
	"context"
	"encoding/csv"
	"net/http"
	"strings"
	"testing"
	"time"

	"tsunagi/internal/panel"
)

// slowHistory gives one page, and the next when it is told.
type slowHistory struct {
	page []panel.HistoryMessage
	next chan struct{} // closed: the last page may be read
}

func (s *slowHistory) Read(ctx context.Context, _ string, q panel.HistoryQuery) ([]panel.HistoryMessage, int64, error) {
	if q.Before == 0 {
		return s.page, 7, nil
	}
	select {
	case <-s.next:
		return nil, 0, nil
	case <-ctx.Done():
		return nil, 0, ctx.Err()
	}
}
func (s *slowHistory) Topics(context.Context, string, int) ([]panel.HistoryTopic, error) {
	return nil, nil
}
func (s *slowHistory) Use(context.Context, string) (map[string]panel.HistoryUse, error) {
	return nil, nil
}

// TestHistoryTable: a table is sent while it is read, few at a time for one account, and no cell of it is a formula.
func TestHistoryTable(t *testing.T) {
	slow := &slowHistory{next: make(chan struct{})}
	for _, cell := range []string{"=1+1", "+a", "-a", "@a", "\ta", "\ra", "\na", "＝1+1", "＋a", "－a", "＠a", "-1.5", "plain", `a",=b`} {
		slow.page = append(slow.page, panel.HistoryMessage{ID: 9, Time: time.Unix(1, 0).UTC(), Topic: cell, Payload: []byte(cell), Client: cell})
	}
	w := newWorldWith(t, func(o *panel.Options) { o.Histories = slow })
	b := w.owner()
	path := "/api/v1/instances/" + b.instance() + "/history/csv"
	open := func() *http.Response {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), "GET", w.server.URL+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Cookie", panel.CookieName+"="+b.cookie)
		answer, err := w.server.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = answer.Body.Close() })
		return answer
	}
	first := open()
	line, err := bufio.NewReader(first.Body).ReadString('\n') // though the second page isn't there yet
	if err != nil || !strings.HasPrefix(line, "time,topic") || first.Header.Get("Content-Type") != "text/csv; charset=utf-8" || !strings.Contains(first.Header.Get("Content-Disposition"), ".csv") {
		t.Fatalf("%q %v %v", line, first.Header, err)
	}
	for range 9 {
		if answer := open(); answer.StatusCode != 200 {
			t.Fatalf("%s", answer.Status)
		}
	}
	b.refused("GET", path, nil, 429, "rate_limited")
	close(slow.next)
	w.server.CloseClientConnections() // those that were not read
	for w.panel.Streams() > 0 {
		time.Sleep(time.Millisecond)
	}
	answer := open()
	rows, err := csv.NewReader(answer.Body).ReadAll()
	if err != nil || len(rows) != 15 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for i, row := range rows[1:] {
		for _, cell := range []string{row[1], row[2], row[6]} {
			if bare := strings.ContainsAny(cell[:1], "=+-@\t\r\n") || strings.ContainsAny(cell, "＝＋－＠") && !strings.HasPrefix(cell, "'"); bare && cell != "-1.5" {
				t.Errorf("row %d has %q", i, cell)
			}
		}
	}
}
