package editor

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"time"
)

// writesFile keeps the counts of bytes written, by day. It is written once an hour at most, and when the server ends.
const (
	writesFile  = ".tsunagi-writes.json"
	writesEvery = time.Hour
)

// getWrites says how many bytes this flow server has written to its disk, by day and by what for.
func (s *Server) getWrites(w http.ResponseWriter, _ *http.Request) error {
	days := s.o.Written.Days()
	list := []object{}
	for _, day := range slices.Backward(slices.Sorted(maps.Keys(days))) {
		sum := int64(0)
		for _, n := range days[day] {
			sum += n
		}
		list = append(list, object{"day": day, "bytes": sum, "by": days[day]})
	}
	return writeJSON(w, http.StatusOK, object{"days": list, "since": s.started.UTC().Format(time.RFC3339)})
}

// loadWrites takes over the counts of former runs; what can't be read is begun anew.
func (s *Server) loadWrites() {
	text, err := s.store.read(writesFile)
	if err == nil && len(text) > 0 {
		err = json.Unmarshal(text, s.o.Written)
	}
	if err != nil {
		s.log.Warn("counts of bytes written not read; they begin anew", "error", err)
	}
	s.countsDue = time.AfterFunc(writesEvery, s.hourly)
}

func (s *Server) hourly() {
	s.saveWrites()
	s.countsDue.Reset(writesEvery)
}

// saveWrites writes the counts, if there are others than those in the file.
func (s *Server) saveWrites() {
	text, err := json.Marshal(s.o.Written)
	if err == nil && string(text) != s.countsSaved {
		s.countsSaved = string(text)
		err = s.store.write(map[string][]byte{writesFile: text})
	}
	if err != nil {
		s.log.Warn("counts of bytes written not saved", "error", err)
	}
}
