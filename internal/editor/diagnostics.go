package editor

import (
	"net/http"
	"runtime"
	"time"
)

// getDiagnostics answers with what helps to find a fault. It names no paths, no host and no secrets.
func (s *Server) getDiagnostics(w http.ResponseWriter, _ *http.Request) error {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	now := time.Now()
	d := s.project.state.Load()
	return writeJSON(w, http.StatusOK, object{
		"report": "diagnostics",
		"scope":  "basic",
		"time":   object{"utc": now.UTC().Format(time.RFC1123), "local": now.Format(time.RFC1123)},
		"runtime": object{
			"name": s.o.Title, "version": s.o.Release, "editor": Version, "isStarted": true,
			"uptimeSeconds": int(now.Sub(s.started).Seconds()),
			"flows":         object{"state": s.o.Runtime.State(), "entries": len(d.file.Nodes), "rev": d.rev},
			"types":         s.o.Runtime.Types(),
		},
		"go": object{
			"version": runtime.Version(), "os": runtime.GOOS, "arch": runtime.GOARCH, "cpus": runtime.NumCPU(),
			"goroutines": runtime.NumGoroutine(), "heapBytes": m.HeapAlloc, "systemBytes": m.Sys,
		},
		"browsers": s.comms.count(),
	})
}
