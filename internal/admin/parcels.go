package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"
)

// unhurried takes the deadlines of a request away: its body may be large, and its work long.
func unhurried(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		_ = control.SetReadDeadline(time.Time{}) // where they can't be set, they hold
		_ = control.SetWriteDeadline(time.Time{})
		h.ServeHTTP(w, r)
	})
}

type restoredShape struct {
	Applied   bool              `json:"applied"`
	From      string            `json:"from"`
	Users     int               `json:"users"`
	Rules     int               `json:"rules"`
	Hooks     int               `json:"hooks"`
	Bridges   int               `json:"bridges"`
	Retained  int               `json:"retained"`
	Faults    int               `json:"faults"`
	FaultList []remarkShape     `json:"fault_list"`
	NoteList  []remarkShape     `json:"note_list"`
	Passwords map[string]string `json:"passwords"`
}

func exportInstance(k *call) error {
	return k.save(k.args[1], func(w io.Writer) (int64, error) {
		q := request{method: http.MethodPost, path: path("instances", k.args[0], "export")}
		if err := q.takes(fields{"password": "", "hashes": k.on("hashes")}); err != nil {
			return 0, err
		}
		answer, err := k.client.ask(k.ctx, q)
		if err != nil {
			return 0, err
		}
		return copyExport(w, answer)
	})
}

// save has a file written, which has its name only when it is whole.
func (k *call) save(name string, write func(io.Writer) (int64, error)) (err error) {
	if _, err := os.Lstat(name); err == nil {
		return fmt.Errorf("%s is there already: choose another name", name)
	}
	f, err := os.OpenFile(name+".part", os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(name+".part"))
		}
	}()
	n, err := write(f)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(name+".part", name); err != nil {
		return err
	}
	return k.print(map[string]any{"file": name, "bytes": n}, row("file", name), row("bytes", n))
}

// export copies a file from the socket.
func (c *client) export(ctx context.Context, path string, w io.Writer) (int64, error) {
	answer, err := c.send(ctx, http.MethodPost, path, http.NoBody)
	if err != nil {
		return 0, err
	}
	return copyExport(w, answer)
}

func copyExport(w io.Writer, answer *http.Response) (int64, error) {
	defer answer.Body.Close()
	n, err := io.Copy(w, answer.Body)
	if err != nil {
		err = fmt.Errorf("the export broke off (the server's log says why, where it is to blame): %w", err)
	}
	return n, err
}

// send makes a request that may take long; an answer other than 200 is an error.
func (c *client) send(ctx context.Context, method, path string, body io.Reader) (*http.Response, error) {
	patient := c.http
	patient.Timeout = 0
	r, err := http.NewRequestWithContext(ctx, method, "http://admin"+path, body)
	if err != nil {
		return nil, err
	}
	answer, err := patient.Do(r)
	if err != nil {
		return nil, c.explain(err)
	}
	if answer.StatusCode == http.StatusOK {
		return answer, nil
	}
	defer answer.Body.Close()
	raw, _ := io.ReadAll(io.LimitReader(answer.Body, maxBody))
	var f fault
	if json.Unmarshal(raw, &f) == nil && f.Detail != "" {
		return nil, errors.New(f.Detail)
	}
	return nil, fmt.Errorf("the server answered %s", answer.Status)
}

func restoreInstance(k *call) error {
	f, err := os.Open(k.args[1])
	if err != nil {
		return err
	}
	defer f.Close()
	dry := k.on("dry-run")
	answer, err := k.client.ask(k.ctx, request{method: http.MethodPost, path: path("instances", k.args[0], "restore"), query: url.Values{"dry_run": {strconv.FormatBool(dry)}},
		kind: "application/zip", body: f})
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	var done restoredShape
	if err := json.NewDecoder(answer.Body).Decode(&done); err != nil {
		return fmt.Errorf("answer of the server: %w", err)
	}
	rows := []string{row("of", done.From), row("users", done.Users), row("rules", done.Rules), row("webhooks and rules", done.Hooks), row("bridges", done.Bridges),
		row("retained messages", done.Retained)}
	for name, password := range done.Passwords {
		rows = append(rows, row("password of "+name, password))
	}
	for _, n := range done.NoteList {
		rows = append(rows, row("note", fmt.Sprintf("%s: %s", n.Source, n.Message)))
	}
	for _, f := range done.FaultList {
		rows = append(rows, row("fault", fmt.Sprintf("%s:%d: %s", f.Source, f.Line, f.Message)))
	}
	if err := k.print(done, rows...); err != nil {
		return err
	}
	if !dry && !done.Applied {
		return fmt.Errorf("nothing was made: %d faults", done.Faults)
	}
	return nil
}
