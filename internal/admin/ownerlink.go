package admin

import (
	"context"
	"errors"
	"net/http"
)

// linkShape is the answer to "account link".
type linkShape struct {
	Link string `json:"link"` // "" where there is an owner
}

// OnOwnerLink says how the single-use link is made with which somebody becomes the owner; it is "" where there is an
// owner. It comes before Start.
func (s *Server) OnOwnerLink(link func(context.Context) (string, error)) { s.ownerLink = link }

func (s *Server) makeOwnerLink(r *http.Request) (any, error) {
	if s.ownerLink == nil {
		return nil, errors.New("there is nobody to make the owner's link")
	}
	link, err := s.ownerLink(r.Context())
	return linkShape{link}, err
}

func ownerLink(k *call) error {
	var l linkShape
	if err := k.client.call(k.ctx, http.MethodPost, "/owner-link", struct{}{}, &l); err != nil {
		return err
	}
	if l.Link == "" && !k.json {
		return errors.New("this installation has an owner already")
	}
	return k.print(l, l.Link)
}
