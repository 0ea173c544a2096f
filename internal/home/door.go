package home

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"strconv"
	"time"
)

// Options configure a Door. Zero values mean the default in brackets.
type Options struct {
	Dir     string       // data directory
	Version string       // of this program
	Log     *Log         // what is shown of the log [nothing]
	Flows   http.Handler // calls below /flows/
	Allowed func() bool  // whether the panel may look into the flows and change them now [never]

	// Restart has the program start anew, soon; an error says why it can't [it can't].
	Restart func() error
	Update  *Updater       // [there are no updates]
	Broker  func() *Broker // how the broker for the local network is [there is none]
	Logger  *slog.Logger   // [discard]
}

// Door is the handler for the platform's panel.
type Door struct {
	o     Options
	began time.Time
	gauge gauge
	mux   *http.ServeMux
}

// NewDoor returns a Door; it starts nothing.
func NewDoor(o Options) *Door {
	if o.Log == nil {
		o.Log = NewLog()
	}
	if o.Flows == nil {
		o.Flows = http.NotFoundHandler()
	}
	if o.Allowed == nil {
		o.Allowed = func() bool { return false }
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	d := &Door{o: o, began: time.Now().UTC().Truncate(time.Second), gauge: gauge{dir: o.Dir}, mux: http.NewServeMux()}
	d.mux.HandleFunc("GET /figures", d.figures)
	d.mux.HandleFunc("GET /log", d.log)
	d.mux.HandleFunc("POST /restart", d.restart)
	d.mux.Handle("POST /update", d.permit(http.HandlerFunc(d.update)))
	d.mux.Handle("/flows/", d.permit(http.StripPrefix("/flows", o.Flows)))
	return d
}

// ServeHTTP implements http.Handler.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) { d.mux.ServeHTTP(w, r) }

// permit lets requests through as long as remote editing is allowed on both sides.
func (d *Door) permit(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !d.o.Allowed() {
			refuse(w, http.StatusForbidden, "remote editing is switched off on this device")
			return
		}
		h.ServeHTTP(w, r)
	})
}

func (d *Door) figures(w http.ResponseWriter, _ *http.Request) {
	f := Figures{Version: d.o.Version, Target: Target(), Machine: machine(), StartedAt: d.began}
	f.Update, f.Failed = d.o.Update.Problem(), d.o.Update.Failed()
	if d.o.Broker != nil {
		f.Broker = d.o.Broker()
	}
	d.gauge.read(&f)
	answer(w, http.StatusOK, f)
}

// log answers with the lines after a number (?after=, default 0).
func (d *Door) log(w http.ResponseWriter, r *http.Request) {
	after, err := strconv.ParseInt(r.URL.Query().Get("after"), 10, 64)
	if err != nil {
		after = 0
	}
	lines, last := d.o.Log.After(after)
	answer(w, http.StatusOK, map[string]any{"lines": lines, "last": last})
}

func (d *Door) restart(w http.ResponseWriter, _ *http.Request) {
	if d.o.Restart == nil {
		refuse(w, http.StatusConflict, "this program can't restart itself here")
		return
	}
	if err := d.o.Restart(); err != nil {
		refuse(w, http.StatusConflict, err.Error())
		return
	}
	d.o.Logger.Info("restart asked for by the panel")
	w.WriteHeader(http.StatusNoContent)
}

// refuse answers as package editor does.
func refuse(w http.ResponseWriter, status int, message string) {
	answer(w, status, map[string]string{"code": "refused", "message": message})
}

func answer(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(body) // the peer may be gone
}
