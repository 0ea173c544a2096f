package hook

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"tsunagi/internal/account"
	"tsunagi/internal/filling"
)

// killedSite is the process that TestKilledClock kills: a site whose clock stands, told by its environment. It says each
// event that a mail is written about, and how often the schedule has fired once nothing is due any more.
func killedSite(t *testing.T, dir, now string) {
	at0, err := time.Parse(time.RFC3339, now)
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, dir: dir, change: func(o *Options) {
		o.Now = func() time.Time { return at0 }
		o.Mail = func(_ context.Context, _ account.Hook, list []*filling.Message, _ int) error {
			for _, m := range list {
				fmt.Printf("event %s %d %s\n", m.Time.UTC().Format(time.RFC3339), eventOf(m, "h").Count, m.ID)
			}
			return nil
		}
	}}
	s.start()
	s.set(at("* * * * *", ""))
	s.until("nothing is due", func() bool { return s.state("h").NextRun.After(at0) })
	fmt.Printf("fired %d\n", s.state("h").Fired)
	select {} // until it is killed
}

// TestKilledClock kills the process with SIGKILL, before and after a due time has fired. Each due time fires: it has one
// number, whatever was killed, and one that fired is at most told of again with that number and its id.
func TestKilledClock(t *testing.T) {
	if dir := os.Getenv("HOOK_KILLED_DIR"); dir != "" {
		killedSite(t, dir, os.Getenv("HOOK_KILLED_NOW"))
	}
	const minutes = 4
	dir := t.TempDir()
	begin := time.Date(2026, 11, 23, 12, 0, 30, 0, time.UTC)
	told := map[string]string{} // due time: number and id
	// run starts the process at a time and kills it once a line says what is waited for.
	run := func(now time.Time, wait string) (seen string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		c := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestKilledClock$", "-test.timeout=1m")
		c.Env = append(os.Environ(), "HOOK_KILLED_DIR="+dir, "HOOK_KILLED_NOW="+now.Format(time.RFC3339))
		out, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		var all strings.Builder
		lines := bufio.NewScanner(out)
		for seen == "" && lines.Scan() {
			line := lines.Text()
			all.WriteString(line + "\n")
			if rest, ok := strings.CutPrefix(line, "event "); ok {
				due, number, _ := strings.Cut(rest, " ")
				if before, ok := told[due]; ok && before != number {
					t.Errorf("what was due at %s came as %q and as %q", due, before, number)
				}
				told[due] = number
			}
			if strings.HasPrefix(line, wait) {
				seen = line
			}
		}
		_ = c.Process.Kill()
		_ = c.Wait() // it was killed
		if seen == "" {
			t.Fatalf("never came: %q\n%s", wait, all.String())
		}
		return seen
	}
	if got := run(begin, "fired "); got != "fired 0" {
		t.Fatalf("at the start: %s", got)
	}
	for n := 1; n <= minutes; n++ {
		now := begin.Add(time.Duration(n) * time.Minute)
		due := now.Truncate(time.Minute).Format(time.RFC3339)
		fired := fmt.Sprintf("fired %d", n)
		if n%2 == 0 { // killed as soon as it has fired, perhaps before a mail was written
			if got := run(now, "fired "); got != fired {
				t.Errorf("at %s: %s, want %s", due, got, fired)
			}
		}
		if told[due] == "" {
			run(now, "event "+due)
		}
		if got := run(now, "fired "); got != fired {
			t.Errorf("again at %s: %s, want %s", due, got, fired)
		}
		if !strings.HasPrefix(told[due], fmt.Sprint(n)+" ") {
			t.Errorf("what was due at %s is %q, want number %d", due, told[due], n)
		}
	}
	if len(told) != minutes {
		t.Errorf("%d due times fired, want %d: %v", len(told), minutes, told)
	}
}
