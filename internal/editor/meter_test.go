package editor

import "testing"

func TestMeter(t *testing.T) {
	w := newWorld(t, Options{})
	w.get("/tsunagi/meter?seconds=0.1").want(t, 200, `{"nodes":[{"id":"dear","type":"function","received":10,"sent":0,"cpu":0.5,"queued":0,"queuedBytes":0,"bytes":0},`+
		`{"id":"cheap","type":"debug","received":0,"sent":0,"cpu":0.01,"queued":0,"queuedBytes":0,"bytes":0}],"seconds":0.1}`)
	for _, wrong := range []string{"0", "11", "NaN", "x"} {
		w.get("/tsunagi/meter?seconds="+wrong).wantPart(t, 400, "invalid_seconds")
	}
}
