package common_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tsunagi/internal/flow"
	"tsunagi/internal/flow/flowtest"
	"tsunagi/internal/flow/nodes"
)

const show = "{'id':'d','type':'debug','z':'t','x':1,'y':1,'name':'d','complete':'payload','wires':[]}"

func inject(more string) string {
	return "[{'id':'t','type':'tab'},{'id':'i','type':'inject','z':'t','x':1,'y':1,'props':[{'p':'payload'}],'payload':'p','payloadType':'str','wires':[['d']]" +
		more + "}," + show + "]"
}

// count runs a flow for a time and returns how many messages the sidebar showed.
func count(t *testing.T, file string, d time.Duration) (n int) {
	synctest.Test(t, func(t *testing.T) {
		s := flowtest.Start(t, nodes.All())
		s.Load(flow.DeployFull, file)
		time.Sleep(d)
		synctest.Wait()
		n = s.Count("debug")
		s.Stop()
	})
	return n
}

// inject_spec: "should inject once", "repeatedly", "with cron", "after a delay".
func TestInjectByTheClock(t *testing.T) {
	tests := []struct {
		name, fields string
		after        time.Duration
		want         int
	}{
		{"once after a tenth of a second", ",'once':true", 99 * time.Millisecond, 0},
		{"once after a tenth of a second", ",'once':true", 101 * time.Millisecond, 1},
		{"once after a delay", ",'once':true,'onceDelay':'2.5'", 2600 * time.Millisecond, 1},
		{"repeat", ",'repeat':'0.5'", 5250 * time.Millisecond, 10},
		{"once, then repeat", ",'once':true,'onceDelay':1,'repeat':'10'", 32 * time.Second, 4},
		{"cron each minute", ",'crontab':'*/1 0-23 * * *'", 10*time.Minute + time.Second, 10},
		{"cron at a time on a day", ",'crontab':'00 12 * * 1'", 21 * 24 * time.Hour, 3},
		{"repeat wins over cron", ",'repeat':'60','crontab':'* * * * * *'", 61 * time.Second, 1},
		{"seconds in a cron expression", ",'crontab':'*/10 * * * * * *'", 65 * time.Second, 6},
		{"nothing", "", time.Hour, 0},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.name, tt.after), func(t *testing.T) {
			if got := count(t, inject(tt.fields), tt.after); got != tt.want {
				t.Errorf("%d messages in %v, want %d", got, tt.after, tt.want)
			}
		})
	}
}

func TestCronInATimeZone(t *testing.T) {
	// The test's time begins at midnight UTC, nine in the morning in Tokyo.
	if got := count(t, inject(",'crontab':'CRON_TZ=Asia/Tokyo 0 10 * * *'"), 61*time.Minute); got != 1 {
		t.Errorf("%d messages, want one at ten in Tokyo", got)
	}
}

// Node-RED's schedules go on when the clock is set forward, and have seconds before the minutes where there are six fields.
func TestCronIsNodeREDs(t *testing.T) {
	for _, tt := range []struct {
		crontab string
		after   time.Duration
		want    int
	}{
		{"CRON_TZ=Europe/Berlin 30 2 26 3 *", (31 + 29 + 26) * 24 * time.Hour, 1}, // on 26 March 2000 there is no half past two
		{"30 0 1 * * *", 2 * time.Hour, 1},
		{"0 12 * * fri-mon", 7 * 24 * time.Hour, 4},
	} {
		if got := count(t, inject(",'crontab':'"+tt.crontab+"'"), tt.after); got != tt.want {
			t.Errorf("%s: %d messages, want %d", tt.crontab, got, tt.want)
		}
	}
}

func TestInjectRefuses(t *testing.T) {
	for fields, want := range map[string]string{
		",'crontab':'every now and then'":                        `inject: the schedule "every now and then" can't be read: `,
		",'props':[{'p':'payload','v':'$now()','vt':'jsonata'}]": `inject: the option "type of a value" can't be "JSONata expression" yet`,
	} {
		s := flowtest.Start(t, nodes.All())
		s.Load(flow.DeployFull, inject(fields))
		if got, _ := s.Debug()["msg"].(string); !strings.HasPrefix(got, want) {
			t.Errorf("%v, want %s", got, want)
		}
	}
}

// inject_spec: "should set the value of old flows", whose files have no props.
func TestInjectOfOldFiles(t *testing.T) {
	s := flowtest.Start(t, nodes.All())
	s.Load(flow.DeployFull, "[{'id':'t','type':'tab'},{'id':'i','type':'inject','z':'t','x':1,'y':1,'topic':'tt','payload':'12','payloadType':'num','wires':[['d']]},"+show+"]")
	s.Press("i", "")
	if m := s.Debug(); m["msg"] != "12" || m["format"] != "number" || m["topic"] != "tt" {
		t.Error(m)
	}
}

func TestInjectWithPropertiesOfTheButton(t *testing.T) {
	s := flowtest.Start(t, nodes.All())
	s.Load(flow.DeployFull, inject(""))
	s.Press("i", "[{'p':'payload','v':'other','vt':'str'}]")
	if m := s.Debug(); m["msg"] != "other" {
		t.Error(m)
	}
}

func TestDebugIsSwitched(t *testing.T) {
	s := flowtest.Start(t, nodes.All())
	s.Load(flow.DeployFull, inject(""))
	if !s.SetDebug([]string{"d"}, false) || s.SetDebug([]string{"nobody"}, true) {
		t.Error("SetDebug knows the wrong nodes")
	}
	s.Press("i", "")
	s.SetDebug([]string{"d"}, true)
	s.Press("i", "[{'p':'payload','v':'seen','vt':'str'}]")
	if m := s.Debug(); m["msg"] != "seen" {
		t.Error(m)
	}
}

// Of a flood the sidebar gets a part, the number of the rest, and the last message.
func TestDebugFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := flowtest.Start(t, nodes.All())
		s.Load(flow.DeployFull, inject(",'repeat':'0.0002'"))
		time.Sleep(time.Second)
		if err := s.SetState(t.Context(), "stop"); err != nil {
			t.Error(err)
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if n := s.Count("debug"); n < 1000 || n > 1600 {
			t.Errorf("%d of 5000 messages were shown", n)
		}
		s.Until("debug", "messages were not shown: more than 500 a second")
		s.Stop()
	})
}
