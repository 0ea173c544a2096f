package cli

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"tsunagi/internal/mqttclient"
)

// part appends one part of the output.
type part func(dst []byte, m *mqttclient.Message, now time.Time) []byte

// formatter compiles a format of -F. Each message is written at once.
func formatter(format string) (func(io.Writer, *mqttclient.Message, time.Time) error, error) {
	var parts []part
	literal := func(s string) {
		parts = append(parts, func(dst []byte, _ *mqttclient.Message, _ time.Time) []byte { return append(dst, s...) })
	}
	for format != "" {
		i := strings.IndexAny(format, `%\`)
		if i < 0 {
			literal(format)
			break
		}
		if i > 0 {
			literal(format[:i])
		}
		if i+1 == len(format) {
			return nil, usage("-F: the format ends with a lone %q", format[i:])
		}
		kind, letter := format[i], format[i+1]
		format = format[i+2:]
		if kind == '\\' {
			s, ok := escapes[letter]
			if !ok {
				return nil, usage(`-F: \%c is not known`, letter)
			}
			literal(s)
			continue
		}
		p, ok := fields[letter]
		if !ok {
			return nil, usage("-F: %%%c is not known, see --help", letter)
		}
		parts = append(parts, p)
	}
	return func(w io.Writer, m *mqttclient.Message, now time.Time) error {
		var b []byte
		for _, p := range parts {
			b = p(b, m, now)
		}
		_, err := w.Write(b)
		return err
	}, nil
}

var escapes = map[byte]string{'0': "\x00", 'a': "\a", 'e': "\x1b", 'n': "\n", 'r': "\r", 't': "\t", 'v': "\v", '\\': "\\"}

var fields = map[byte]part{
	'%': func(b []byte, _ *mqttclient.Message, _ time.Time) []byte { return append(b, '%') },
	't': func(b []byte, m *mqttclient.Message, _ time.Time) []byte { return append(b, m.Topic...) },
	'p': func(b []byte, m *mqttclient.Message, _ time.Time) []byte { return append(b, m.Payload...) },
	'x': func(b []byte, m *mqttclient.Message, _ time.Time) []byte { return hex.AppendEncode(b, m.Payload) },
	'X': func(b []byte, m *mqttclient.Message, _ time.Time) []byte {
		return append(b, bytes.ToUpper(hex.AppendEncode(nil, m.Payload))...)
	},
	'l': func(b []byte, m *mqttclient.Message, _ time.Time) []byte {
		return strconv.AppendInt(b, int64(len(m.Payload)), 10)
	},
	'q': func(b []byte, m *mqttclient.Message, _ time.Time) []byte { return append(b, '0'+m.QoS) },
	'r': func(b []byte, m *mqttclient.Message, _ time.Time) []byte {
		if m.Retain {
			return append(b, '1')
		}
		return append(b, '0')
	},
	'U': func(b []byte, _ *mqttclient.Message, now time.Time) []byte {
		return strconv.AppendFloat(b, float64(now.UnixMicro())/1e6, 'f', 6, 64)
	},
	'I': func(b []byte, _ *mqttclient.Message, now time.Time) []byte {
		return now.AppendFormat(b, "2006-01-02T15:04:05-0700")
	},
	'j': func(b []byte, m *mqttclient.Message, now time.Time) []byte { return appendJSON(b, m, now, false) },
	'J': func(b []byte, m *mqttclient.Message, now time.Time) []byte { return appendJSON(b, m, now, true) },
	'C': func(b []byte, m *mqttclient.Message, _ time.Time) []byte { return append(b, m.ContentType...) },
	'R': func(b []byte, m *mqttclient.Message, _ time.Time) []byte { return append(b, m.ResponseTopic...) },
	'D': func(b []byte, m *mqttclient.Message, _ time.Time) []byte { return append(b, m.Correlation...) },
	'E': func(b []byte, m *mqttclient.Message, _ time.Time) []byte {
		if !m.HasExpiry {
			return b
		}
		return strconv.AppendUint(b, uint64(m.Expiry), 10)
	},
	'F': func(b []byte, m *mqttclient.Message, _ time.Time) []byte { return append(b, '0'+m.PayloadFormat) },
	'P': func(b []byte, m *mqttclient.Message, _ time.Time) []byte {
		for i, p := range m.UserProps {
			if i > 0 {
				b = append(b, ' ')
			}
			b = append(append(append(b, p.Key...), ':'), p.Value...)
		}
		return b
	},
	'S': func(b []byte, m *mqttclient.Message, _ time.Time) []byte {
		for i, id := range m.SubscriptionIDs {
			if i > 0 {
				b = append(b, ' ')
			}
			b = strconv.AppendUint(b, uint64(id), 10)
		}
		return b
	},
}

// record is a message as JSON.
type record struct {
	Time       string      `json:"tst"`
	Topic      string      `json:"topic"`
	QoS        byte        `json:"qos"`
	Retain     int         `json:"retain"`
	Length     int         `json:"payloadlen"`
	Properties *properties `json:"properties,omitempty"`
	Payload    any         `json:"payload"`
	Base64     bool        `json:"base64,omitempty"` // the payload is not text
}

type properties struct {
	ContentType   string      `json:"content-type,omitempty"`
	ResponseTopic string      `json:"response-topic,omitempty"`
	Correlation   []byte      `json:"correlation-data,omitempty"`
	Expiry        *uint32     `json:"message-expiry-interval,omitempty"`
	PayloadFormat byte        `json:"payload-format-indicator,omitempty"`
	User          [][2]string `json:"user-properties,omitempty"`
	IDs           []uint32    `json:"subscription-identifiers,omitempty"`
}

func appendJSON(dst []byte, m *mqttclient.Message, now time.Time, parsed bool) []byte {
	r := record{Time: now.Format("2006-01-02T15:04:05.000000-0700"), Topic: m.Topic, QoS: m.QoS, Length: len(m.Payload)}
	if m.Retain {
		r.Retain = 1
	}
	p := properties{ContentType: m.ContentType, ResponseTopic: m.ResponseTopic, Correlation: m.Correlation,
		PayloadFormat: m.PayloadFormat, IDs: m.SubscriptionIDs}
	if m.HasExpiry {
		p.Expiry = &m.Expiry
	}
	for _, u := range m.UserProps {
		p.User = append(p.User, [2]string{u.Key, u.Value})
	}
	if m.ContentType != "" || m.ResponseTopic != "" || m.Correlation != nil || m.HasExpiry || m.PayloadFormat != 0 ||
		p.User != nil || p.IDs != nil {
		r.Properties = &p
	}
	switch {
	case parsed && json.Valid(m.Payload):
		r.Payload = json.RawMessage(m.Payload)
	case utf8.Valid(m.Payload):
		r.Payload = string(m.Payload)
	default:
		r.Payload, r.Base64 = m.Payload, true
	}
	b, err := json.Marshal(r)
	if err != nil { // nothing in a record can fail
		return append(dst, err.Error()...)
	}
	return append(dst, b...)
}
