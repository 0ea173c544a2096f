package topic_test

import (
	"errors"
	"strings"
	"testing"

	"tsunagi/internal/topic"
)

func TestParseFilter(t *testing.T) {
	long := strings.Repeat("x", topic.MaxBytes)
	deep := strings.Repeat("/", topic.MaxLevels-1)
	tests := []struct {
		spec, in      string
		share, filter string
		fault         string // words of the error; empty: accepted
	}{
		{"4.7.1.2 # alone", "#", "", "#", ""},
		{"4.7.1.2 # last", "sport/tennis/#", "", "sport/tennis/#", ""},
		{"4.7.1.3 + anywhere", "+/tennis/+/#", "", "+/tennis/+/#", ""},
		{"4.7.1.1 only a slash", "/", "", "/", ""},
		{"MQTT-4.7.3-1 one byte", "a", "", "a", ""},
		{"MQTT-4.7.3-1 empty", "", "", "", "empty"},
		{"MQTT-4.7.3-3 longest", long, "", long, ""},
		{"MQTT-4.7.3-3 too long", long + "x", "", "", "more than 65535"},
		{"MQTT-4.7.3-2 U+0000", "a\x00b", "", "", "U+0000"},
		{"MQTT-1.5.4-1 not UTF-8", "a\xffb", "", "", "UTF-8"},
		{"MQTT-1.5.4-1 surrogate", "a\xed\xa0\x80", "", "", "UTF-8"},
		{"MQTT-1.5.4-3 U+FEFF stays", "\ufeffa", "", "\ufeffa", ""},
		{"MQTT-4.7.1-1 # in a word", "sport/tennis#", "", "", "level 1"},
		{"MQTT-4.7.1-1 # not last", "sport/#/ranking", "", "", "level 1"},
		{"MQTT-4.7.1-1 # before a slash", "#/", "", "", "level 0"},
		{"MQTT-4.7.1-2 + in a word", "sport+", "", "", "level 0"},
		{"MQTT-4.7.1-2 two +", "a/b/++", "", "", "level 2"},
		{"MQTT-4.7.1-1 +#", "+#", "", "", "level 0"},
		{"limit deepest", deep, "", deep, ""},
		{"limit too deep", deep + "/", "", "", "more than 128 levels"},
		{"4.8.2 shared", "$share/g/a/+", "g", "a/+", ""},
		{"4.8.2 shared, leading slash", "$share/g//a", "g", "/a", ""},
		{"4.8.2 shared $SYS", "$share/g/$SYS/#", "g", "$SYS/#", ""},
		{"MQTT-4.8.2-1 no group", "$share//a", "", "", "level 1"},
		{"MQTT-4.8.2-2 + in the group", "$share/g+/a", "", "", "level 1"},
		{"MQTT-4.8.2-2 # in the group", "$share/#/a", "", "", "level 1"},
		{"MQTT-4.8.2-2 group without filter", "$share/g", "", "", "level 2"},
		{"MQTT-4.8.2-2 group with empty filter", "$share/g/", "", "", "level 2"},
		{"MQTT-4.8.2-2 fault behind the group", "$share/g/a/b#", "", "", "level 3"},
		{"4.8.2 $share alone is a plain filter", "$share", "", "$share", ""},
		{"4.8.2 $shared is a plain filter", "$shared/g/a", "", "$shared/g/a", ""},
	}
	for _, tt := range tests {
		t.Run(tt.spec, func(t *testing.T) {
			got, err := topic.ParseFilter(tt.in)
			if tt.fault != "" {
				if !errors.Is(err, topic.ErrFilter) || !strings.Contains(err.Error(), tt.fault) {
					t.Fatalf("ParseFilter(%.40q) = %v, want an ErrFilter with %q", tt.in, err, tt.fault)
				}
				return
			}
			want := topic.Filter{Full: tt.in, Share: tt.share, Filter: tt.filter}
			if err != nil || got != want {
				t.Errorf("ParseFilter(%.40q) = %+v, %v, want %+v", tt.in, got, err, want)
			}
		})
	}
}

func TestValidName(t *testing.T) {
	long := strings.Repeat("x", topic.MaxBytes)
	deep := strings.Repeat("/", topic.MaxLevels-1)
	tests := []struct {
		spec, in string
		want     bool
	}{
		{"MQTT-4.7.3-1 one byte", "a", true},
		{"MQTT-4.7.3-1 empty", "", false},
		{"4.7.3 a slash", "/", true},
		{"4.7.3 spaces", "a b ", true},
		{"4.7.2 $ is for us to judge", "$SYS/x", true},
		{"MQTT-3.3.2-2 +", "a/+", false},
		{"MQTT-3.3.2-2 #", "a#", false},
		{"MQTT-4.7.3-2 U+0000", "a\x00", false},
		{"MQTT-1.5.4-1 cut rune", "a\xc3", false},
		{"MQTT-1.5.4-1 surrogate", "\xed\xbf\xbf", false},
		{"MQTT-1.5.4-1 overlong", "\xc0\xaf", false},
		{"1.5.4 control characters may pass", "a\x01\x7f", true},
		{"MQTT-4.7.3-3 longest", long, true},
		{"MQTT-4.7.3-3 too long", long + "x", false},
		{"limit deepest", deep, true},
		{"limit too deep", deep + "/", false},
	}
	for _, tt := range tests {
		t.Run(tt.spec, func(t *testing.T) {
			if got := topic.ValidName([]byte(tt.in)); got != tt.want {
				t.Errorf("ValidName(%.40q) = %v, want %v", tt.in, got, tt.want)
			}
			err := topic.CheckName(tt.in)
			if (err == nil) != tt.want || (err != nil && !errors.Is(err, topic.ErrName)) {
				t.Errorf("CheckName(%.40q) = %v, want valid %v", tt.in, err, tt.want)
			}
		})
	}
}
