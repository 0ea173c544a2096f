package editor

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"tsunagi/internal/flow"
)

// getMeter watches the nodes for some seconds (?seconds=1 to 10, default 1) and answers with what each did and holds, the
// one first that took most of the event loop's time.
func (s *Server) getMeter(w http.ResponseWriter, r *http.Request) error {
	seconds := 1.0
	if text := r.URL.Query().Get("seconds"); text != "" {
		var err error
		if seconds, err = strconv.ParseFloat(text, 64); err != nil || !(seconds >= 0.1 && seconds <= 10) {
			return refusal(http.StatusBadRequest, "invalid_seconds", "seconds: want a number from 0.1 to 10")
		}
	}
	nodes, err := s.o.Runtime.Meter(r.Context(), time.Duration(seconds*float64(time.Second)))
	if err != nil {
		return err
	}
	slices.SortStableFunc(nodes, func(a, b flow.NodeMeter) int {
		switch {
		case a.CPU > b.CPU:
			return -1
		case a.CPU < b.CPU:
			return 1
		}
		return 0
	})
	if nodes == nil {
		nodes = []flow.NodeMeter{}
	}
	return writeJSON(w, http.StatusOK, object{"seconds": seconds, "nodes": nodes})
}
