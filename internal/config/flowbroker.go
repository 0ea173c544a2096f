package config

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// BrokerTopic is one line of broker_topics.
type BrokerTopic struct {
	Filter    string
	Direction string // in, out or both, as the device sees it
	QoS       int    // at most
}

// ParseBrokerTopic reads "FILTER in|out|both [QOS]"; without QoS it is 2. A filter may hold spaces. Whether it is a valid
// one is not judged.
func ParseBrokerTopic(text string) (BrokerTopic, error) {
	t := BrokerTopic{QoS: 2}
	wrong := errors.New("want FILTER in|out|both and perhaps a QoS from 0 to 2")
	rest, last := lastWord(text)
	if len(last) == 1 && last[0] >= '0' && last[0] <= '9' {
		var err error
		if t.QoS, err = strconv.Atoi(last); err != nil || t.QoS > 2 {
			return t, wrong
		}
		rest, last = lastWord(rest)
	}
	if t.Filter, t.Direction = rest, last; t.Filter == "" || last != "in" && last != "out" && last != "both" {
		return t, wrong
	}
	return t, nil
}

func lastWord(text string) (rest, word string) {
	text = strings.TrimSpace(text)
	at := strings.LastIndexAny(text, " \t")
	return strings.TrimSpace(text[:max(at, 0)]), text[at+1:]
}

// checkBroker judges the settings of the broker for the local network.
func (f *Flow) checkBroker(fault func(format string, a ...any)) {
	for i, text := range f.BrokerTopics {
		if _, err := ParseBrokerTopic(text); err != nil {
			fault("broker_topics[%d] %q: %v", i, text, err)
		}
	}
	for key, address := range map[string]string{"broker_listen": f.BrokerListen, "broker_plain": f.BrokerPlain} {
		if address == Off && key == "broker_plain" {
			continue
		}
		if err := checkAddress(address); err != nil {
			fault("%s %q: want host:port or :port (%v)", key, address, err)
		}
	}
	if f.BrokerOutboxMB < 1 || f.BrokerOutboxMB > maxMB {
		fault("broker_outbox_mb %d: want 1 to %d", f.BrokerOutboxMB, maxMB)
	}
	if f.BrokerReserveMB < 1 || f.BrokerReserveMB > maxMB {
		fault("broker_reserve_mb %d: want 1 to %d", f.BrokerReserveMB, maxMB)
	}
	if f.BrokerOutboxMessages < 0 {
		fault("broker_outbox_messages %d: want 0 or more", f.BrokerOutboxMessages)
	}
	if strings.ContainsAny(f.BrokerPrefix, "+#\x00") || len(f.BrokerPrefix) > 200 {
		fault("broker_prefix %q: want at most 200 bytes without + and #", f.BrokerPrefix)
	}
	oneOf(fault, "broker_durability", f.BrokerDurability, Safe, Fast)
}

// BrokerLines are the lines of broker_topics, with the prefix of the platform's side for a device of that name.
func (f *Flow) BrokerLines(name string) (list []BrokerTopic, prefix string, err error) {
	for _, text := range f.BrokerTopics {
		t, err := ParseBrokerTopic(text)
		if err != nil {
			return nil, "", fmt.Errorf("broker_topics %q: %w", text, err)
		}
		list = append(list, t)
	}
	return list, strings.ReplaceAll(f.BrokerPrefix, "%n", name), nil
}
