package panel

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"tsunagi/internal/account"
)

// Watched is one topic of a watch, with its last message.
type Watched struct {
	Topic     string
	Payload   []byte    // the first kilobyte
	Size      int       // bytes of the whole payload
	Messages  uint64    // since the watch began
	At        time.Time // of the last message; zero: before the watch began
	QoS       byte
	Kept      bool   // a message is retained
	Publisher string // client id; "" for the server
	User      string
}

// Watching sees the topics of an instance pass by.
type Watching interface {
	// Take gives the topics that have changed since they were given last, how many messages came on topics that there is
	// no room for, and whether more has changed. An error says that nothing more will come.
	Take() (list []Watched, over uint64, more bool, err error)
	Close()
}

// watchPace is the pause between two lots of changed topics.
const watchPace = time.Second

// ErrWatched is answered by Brokers.Watch when too many are watching already.
var ErrWatched = errors.New("too many watch this instance")

type watchedBody struct {
	Topic     string     `json:"topic"`
	Payload   string     `json:"payload"`            // the first kilobyte
	Encoding  string     `json:"encoding,omitempty"` // "base64", else text
	Size      int        `json:"size"`
	Messages  uint64     `json:"messages"`
	At        *time.Time `json:"at,omitempty"`
	QoS       byte       `json:"qos,omitempty"`
	Kept      bool       `json:"retained,omitempty"`
	Publisher string     `json:"publisher,omitempty"`
	User      string     `json:"user,omitempty"`
}

// newsBody is one event of the stream.
type newsBody struct {
	Topics []watchedBody `json:"topics"`
	Over   uint64        `json:"over,omitempty"` // messages of topics beyond the 20,000 that are watched
}

// watchTopics sends the topics that changed once a second as server-sent events: those with a retained message first.
func (p *Panel) watchTopics(ctx context.Context, in *subscribeInput) (*huma.StreamResponse, error) {
	return openStream(ctx, p, in, p.sendTopics, func(instance, filter string) (Watching, error) {
		from, err := p.o.Brokers.Watch(ctx, instance, filter)
		if errors.Is(err, ErrWatched) {
			return nil, &account.Error{Code: account.RateLimited, Key: "api.topic.watched", Wait: streamPulse}
		}
		return from, err
	})
}

func (p *Panel) sendTopics(ctx context.Context, w http.ResponseWriter, by account.Actor, instance string, from Watching) {
	pace := time.NewTicker(watchPace)
	defer pace.Stop()
	news := func(send sender) bool { return sendNews(from, send) }
	begin := func(send sender) bool { return send(": topics of %s\n\n", instance) && news(send) }
	follow(ctx, p, w, by, instance, begin, func() <-chan time.Time { return pace.C }, news)
}

// sendNews sends what has changed.
func sendNews(from Watching, send sender) bool {
	list, over, _, err := from.Take() // what is left comes with the next lot: a page has no use for it sooner
	if err != nil {
		return false
	}
	if len(list) == 0 {
		return true
	}
	news := newsBody{Topics: make([]watchedBody, 0, len(list)), Over: over}
	for _, t := range list {
		news.Topics = append(news.Topics, showWatched(t))
	}
	body, err := json.Marshal(news)
	return err == nil && send("data: %s\n\n", body)
}

func showWatched(t Watched) watchedBody {
	out := watchedBody{Topic: t.Topic, Size: t.Size, Messages: t.Messages, QoS: t.QoS, Kept: t.Kept, Publisher: t.Publisher, User: t.User}
	if !t.At.IsZero() {
		at := t.At.UTC().Truncate(time.Millisecond)
		out.At = &at
	}
	part := t.Payload
	for cut := 0; cut < 4 && len(part) > 0 && len(part) < t.Size && !utf8.Valid(part); cut++ {
		part = part[:len(part)-1] // not through the middle of a character
	}
	if out.Payload = string(part); !utf8.Valid(part) {
		out.Payload, out.Encoding = base64.StdEncoding.EncodeToString(t.Payload), "base64"
	}
	return out
}
