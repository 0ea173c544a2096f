package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"testing"
	"time"
)

// TestKillLosesNoAccount kills a server while users of an instance are made and deleted: after each restart there are
// those whose making was answered, and none whose deletion was.
func TestKillLosesNoAccount(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	dir, addr := t.TempDir(), freeAddr(t)
	s := startCloud(t, dir, addr)
	l := newInstance(t, dir)
	users := fmt.Sprintf("/instances/%s/users", l.ID)
	has := map[string]bool{l.User: true}
	changes := 0
	rounds := max(3, tortureRounds(25)/5)
	for round := range rounds {
		going := ""
		for i, answered := 0, 0; ; i++ {
			if answered == 10+round*13%17 {
				go s.kill() // some time during the next ones
			}
			going = fmt.Sprintf("user-%d-%d", round, i/2)
			method, path, body := http.MethodPost, users, map[string]any{"Name": going, "Connect": true}
			if i%4 == 3 {
				method, path, body = http.MethodDelete, users+"/"+going, nil
			} else if i%2 == 1 {
				continue
			}
			if _, err := ask(dir, method, path, body); err != nil {
				break
			}
			has[going] = method == http.MethodPost
			changes++
			answered++
		}
		s.kill()
		s = startCloud(t, dir, addr)
		raw, err := ask(dir, http.MethodGet, users, nil)
		if err != nil {
			t.Fatal(err)
		}
		var list []struct{ Name string }
		if err := json.Unmarshal(raw, &list); err != nil {
			t.Fatal(err)
		}
		is := map[string]bool{}
		for _, u := range list {
			is[u.Name] = true
		}
		for name, want := range has {
			if is[name] != want && name != going {
				t.Errorf("round %d: user %s is there: %v, answered was %v", round, name, is[name], want)
			}
		}
		has[going] = is[going]
		if len(is) > len(has) {
			t.Errorf("round %d: %d users, %d were ever asked for", round, len(is), len(has))
		}
	}
	t.Logf("%d kills, %d answered changes, none lost", rounds, changes)
}

// ask calls a server's admin socket.
func ask(dir, method, path string, body any) ([]byte, error) {
	client := http.Client{Timeout: time.Minute, Transport: &http.Transport{DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", filepath.Join(dir, "admin.sock"))
		}}}
	raw, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequest(method, "http://admin"+path, bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	raw, err = io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", answer.Status, raw)
	}
	return raw, err
}
