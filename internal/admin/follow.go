package admin

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// eventMax is the longest line of a stream, in bytes: more than the largest payload in base64.
const eventMax = 400 << 20

// errStreamEnded is what a stream that the server ends is told with.
var errStreamEnded = errors.New("the server has ended the stream: it stops, or the instance was restarted or deleted; begin again")

// follow prints what a stream of events brings, each thing in a line: until it is interrupted, has printed as many as
// were asked for, or the server ends it.
func (v view) follow(k *call, q request) error {
	answer, err := k.client.ask(k.ctx, q)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	left := k.number("count")
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, eventMax)
	for lines.Scan() {
		raw, ok := bytes.CutPrefix(lines.Bytes(), []byte("data: "))
		if !ok { // a comment, or an id
			continue
		}
		list, err := v.events(raw)
		if err != nil {
			return err
		}
		for _, one := range list {
			if err := v.printEvent(k, one); err != nil {
				return err
			}
			if left--; left == 0 {
				return nil
			}
		}
	}
	switch err := lines.Err(); {
	case k.ctx.Err() != nil:
		return nil
	case err != nil:
		return fmt.Errorf("the stream broke off: %w", err)
	}
	return errStreamEnded
}

// events are the things that one event is about.
func (v view) events(raw []byte) ([]any, error) {
	var of map[string]any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&of); err != nil {
		return nil, fmt.Errorf("event of the server: %w", err)
	}
	if v.feed == "." {
		return []any{of}, nil
	}
	list, _ := of[v.feed].([]any)
	return list, nil
}

func (v view) printEvent(k *call, one any) error {
	if k.json {
		e := json.NewEncoder(k.out)
		e.SetEscapeHTML(false)
		return e.Encode(one)
	}
	of, _ := one.(map[string]any)
	_, err := fmt.Fprintln(k.out, strings.ReplaceAll(line(columns(v.cols), of), "\t", "  "))
	return err
}
