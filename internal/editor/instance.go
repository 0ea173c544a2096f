package editor

import (
	"context"
	_ "embed"
	"net/http"
)

//go:embed assets/instance.js
var instanceScript []byte

// Instance is a broker of the platform that flows can be given a user on.
type Instance struct {
	ID   string `json:"id"`
	Name string `json:"name"` // "": the dialog calls it this device
}

// Credential is what a broker node needs for an instance.
type Credential struct {
	Host     string `json:"host"`
	Port     int    `json:"port"` // TLS
	User     string `json:"user"`
	Password string `json:"password"`
}

// Instances makes users for flows on the platform's instances, on behalf of a person who is signed in.
type Instances interface {
	Instances(ctx context.Context, session string) ([]Instance, error)
	// Credential makes a user that may publish and subscribe to topics (filters), and nothing else.
	Credential(ctx context.Context, session, instance string, topics []string) (Credential, error)
}

// sessionOf is the session of a signed-in person, "" where nobody signs in through a platform.
func sessionOf(r *http.Request) string {
	if u := userOf(r); u != nil {
		return u.Session
	}
	return ""
}

func (s *Server) getInstances(w http.ResponseWriter, r *http.Request) error {
	if s.o.Instances == nil {
		return notFound("Not Found")
	}
	list, err := s.o.Instances.Instances(r.Context(), sessionOf(r))
	if err != nil {
		return refusal(http.StatusBadGateway, "unexpected_error", "%s", err)
	}
	if list == nil {
		list = []Instance{}
	}
	return writeJSON(w, http.StatusOK, list)
}

// postInstance makes the user. The answer holds its password for the only time.
func (s *Server) postInstance(w http.ResponseWriter, r *http.Request) error {
	if s.o.Instances == nil {
		return notFound("Not Found")
	}
	var in struct {
		Instance string   `json:"instance"`
		Topics   []string `json:"topics"`
	}
	if err := readJSON(w, r, 16<<10, &in); err != nil {
		return err
	}
	if in.Instance == "" || len(in.Topics) == 0 {
		return refusal(http.StatusBadRequest, "unexpected_error", "Want an instance and one topic or more.")
	}
	c, err := s.o.Instances.Credential(r.Context(), sessionOf(r), in.Instance, in.Topics)
	if err != nil {
		return refusal(http.StatusBadGateway, "unexpected_error", "%s", err)
	}
	s.log.Info("user for flows made on an instance", "instance", in.Instance, "user", c.User)
	return writeJSON(w, http.StatusOK, c)
}
