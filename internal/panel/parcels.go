package panel

import (
	"context"
	"io"
	"mime"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"tsunagi/internal/account"
	"tsunagi/internal/parcel"
)

// Parcels makes files of instances, and instances of files.
type Parcels interface {
	Open(ctx context.Context, w parcel.Wish) (Parcel, error)
	Take(ctx context.Context, by account.Actor, instance string, body io.Reader, dry bool) (parcel.Report, error)
}

// Parcel is one that may be written.
type Parcel interface {
	Name() string
	Write(ctx context.Context, out io.Writer) error
}

// parcelPatience is how long one read or write of a parcel may take.
const parcelPatience = 30 * time.Second

type exportInput struct {
	WithID
	Body struct {
		ProofBody
		Hashes bool `json:"hashes,omitempty" doc:"With the hashes of the users' passwords, so that devices go on working where it is imported"`
	}
}

// exportInstance streams a file with everything of an instance but its secrets. What breaks off is no zip file.
func (p *Panel) exportInstance(ctx context.Context, in *exportInput) (*huma.StreamResponse, error) {
	if p.o.Parcels == nil {
		_, err := p.o.Accounts.Instance(ctx, actor(ctx), in.ID)
		return nil, orElse(err, &failure{status: http.StatusServiceUnavailable})
	}
	out, err := p.o.Parcels.Open(ctx, parcel.Wish{By: actor(ctx), Instance: in.ID, Proof: in.Body.proof(), Hashes: in.Body.Hashes})
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(c huma.Context) {
		_, w := humago.Unwrap(c)
		w.Header().Set("Content-Type", "application/zip")
		w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": out.Name()}))
		w.WriteHeader(http.StatusOK)
		if err := out.Write(ctx, patientWriter{w, http.NewResponseController(w)}); err != nil {
			if ctx.Err() == nil {
				p.o.Log.Warn("export of an instance broke off", "instance", in.ID, "error", err)
			}
			panic(http.ErrAbortHandler) // so that what has been sent isn't taken for whole
		}
	}}, nil
}

func orElse(err, other error) error {
	if err == nil {
		return other
	}
	return err
}

// patientWriter begins its deadline anew with each write.
type patientWriter struct {
	w       io.Writer
	control *http.ResponseController
}

func (p patientWriter) Write(b []byte) (int, error) {
	_ = p.control.SetWriteDeadline(time.Now().Add(parcelPatience)) // where it isn't supported nothing is lost
	return p.w.Write(b)
}

type patientReader struct {
	r       io.Reader
	control *http.ResponseController
}

func (p patientReader) Read(b []byte) (int, error) {
	_ = p.control.SetReadDeadline(time.Now().Add(parcelPatience))
	return p.r.Read(b)
}

// RestoreInput takes the body as it comes, which may be large.
type RestoreInput struct {
	WithID
	DryRun bool `query:"dry_run" doc:"Only tell what would happen"`
	body   io.Reader
}

// take implements takesBody.
func (in *RestoreInput) take(c huma.Context) {
	r, w := humago.Unwrap(c)
	in.body = patientReader{http.MaxBytesReader(w, r.Body, parcel.MaxSize+1), http.NewResponseController(w)}
}

type restoredBody struct {
	Applied     bool              `json:"applied"`
	From        string            `json:"from" doc:"Id of the instance that the file is of"`
	Name        string            `json:"name" doc:"Its name"`
	Made        time.Time         `json:"made" doc:"When the file was made"`
	Users       int               `json:"users"`
	Rules       int               `json:"rules"`
	Hooks       int               `json:"hooks"`
	Bridges     int               `json:"bridges"`
	History     int               `json:"history" doc:"Filters whose messages are kept"`
	Authorities int               `json:"client_authorities"`
	TokenKeys   int               `json:"token_keys"`
	PageKeys    int               `json:"publishable_keys"`
	Addresses   int               `json:"addresses" doc:"Address rules"`
	Retained    int               `json:"retained"`
	Faults      int               `json:"faults" doc:"With one of them nothing is made"`
	FaultList   []remark          `json:"fault_list" doc:"The first 200"`
	NoteList    []remark          `json:"note_list" doc:"What is to be done by hand, the first 200"`
	Passwords   map[string]string `json:"passwords" doc:"New passwords by user name; shown in this answer only"`
}

// restoreInstance makes an empty instance what a file says.
func (p *Panel) restoreInstance(ctx context.Context, in *RestoreInput) (*answer[restoredBody], error) {
	if _, err := p.o.Accounts.Instance(ctx, actor(ctx), in.ID); err != nil {
		return nil, err
	}
	if p.o.Parcels == nil {
		return nil, &failure{status: http.StatusServiceUnavailable}
	}
	r, err := p.o.Parcels.Take(ctx, actor(ctx), in.ID, in.body, in.DryRun)
	if err != nil {
		return nil, err
	}
	out := restoredBody{Applied: r.Applied, From: r.Head.Content.Instance, Name: r.Head.Content.Name, Made: r.Head.Made, Users: r.Users, Rules: r.Rules, Hooks: r.Hooks,
		Bridges: r.Bridges, History: r.History, Authorities: r.Authorities, TokenKeys: r.TokenKeys, PageKeys: r.PageKeys, Addresses: r.Addresses, Retained: r.Retained,
		Faults: r.Faults.Total, FaultList: p.remarks(ctx, r.Faults), NoteList: p.remarks(ctx, r.Notes), Passwords: r.Generated}
	if out.Passwords == nil {
		out.Passwords = map[string]string{}
	}
	return reply(out), nil
}
