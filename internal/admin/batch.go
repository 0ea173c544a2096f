package admin

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/spf13/pflag"
)

// Bounds of what "message batch" sends at a time, within those of the API.
const (
	batchMessages = 100
	batchBytes    = 900 << 10
	batchLine     = 256 << 10
)

func batchCommand() command {
	return command{"message batch", "INSTANCE FILE", `publish the messages of a file, - for standard input: a line each, such as {"topic":"a","payload":"1","qos":1}`,
		func(*pflag.FlagSet) {}, publishBatch}
}

// publishBatch publishes lot after lot. It ends at the first lot that has a message which the instance doesn't take.
func publishBatch(k *call) error {
	in := k.in
	if k.args[1] != "-" {
		f, err := os.Open(k.args[1])
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
	}
	done, err := k.batches(in)
	return errors.Join(err, k.print(fields{"published": done}, row("published", done)))
}

func (k *call) batches(in io.Reader) (done int, err error) {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, batchLine)
	var lot []json.RawMessage
	size, first := 0, 1
	send := func() error {
		n, err := k.publishLot(lot, first)
		done, first, lot, size = done+n, first+len(lot), nil, 0
		return err
	}
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if !json.Valid([]byte(line)) {
			return done, fmt.Errorf("line %d is no JSON", n)
		}
		if len(lot) == batchMessages || size+len(line) > batchBytes {
			if err := send(); err != nil {
				return done, err
			}
		}
		lot, size = append(lot, json.RawMessage(line)), size+len(line)
	}
	if err := lines.Err(); err != nil {
		return done, fmt.Errorf("line %d: %w", first+len(lot), err)
	}
	if len(lot) > 0 {
		err = send()
	}
	return done, err
}

// publishLot publishes some messages, of which first is the line of the first, and says how many were taken.
func (k *call) publishLot(lot []json.RawMessage, first int) (int, error) {
	q := request{method: http.MethodPost, path: path("instances", k.args[0], "publish", "batch")}
	if err := q.takes(fields{"messages": lot}); err != nil {
		return 0, err
	}
	answer, err := k.client.ask(k.ctx, q)
	if err != nil {
		return 0, fmt.Errorf("lines %d to %d: %w", first, first+len(lot)-1, err)
	}
	defer answer.Body.Close()
	var out struct {
		Published int
		Items     []struct{ Detail string }
	}
	if err := json.NewDecoder(answer.Body).Decode(&out); err != nil {
		return 0, fmt.Errorf("answer of the server: %w", err)
	}
	for i, one := range out.Items {
		if one.Detail != "" {
			return out.Published, fmt.Errorf("line %d: %s", first+i, one.Detail)
		}
	}
	return out.Published, nil
}
