package account

import "context"

// Pages is who may see the pages of a device's flows. It says nothing about the editor.
type Pages string

// Who may see pages.
const (
	PagesPeople Pages = ""       // people who may open the device's editor
	PagesPublic Pages = "public" // everybody
	PagesNone   Pages = "none"   // nobody
)

// String is the word for it: people, public or none.
func (p Pages) String() string {
	if p == PagesPeople {
		return "people"
	}
	return string(p)
}

// ParsePages reads the word.
func ParsePages(word string) (Pages, bool) {
	for _, p := range []Pages{PagesPeople, PagesPublic, PagesNone} {
		if p.String() == word {
			return p, true
		}
	}
	return PagesNone, false
}

// Least is what both sides allow.
func (p Pages) Least(other Pages) Pages {
	switch {
	case p == PagesNone || other == PagesNone:
		return PagesNone
	case p == PagesPublic && other == PagesPublic:
		return PagesPublic
	}
	return PagesPeople
}

// pagesDoor is what a code is for that opens a device's pages, and nothing else of it.
func pagesDoor(device string) string { return device + "/pages" }

// OpenDevicePages makes a code with which the browser of the actor's session enters the pages of a device's flows.
func (s *Service) OpenDevicePages(ctx context.Context, by Actor, id string) (string, Device, error) {
	d, err := s.AuditDevice(ctx, by, id, "device.pages")
	if err != nil {
		return "", Device{}, err
	}
	if d.Pages == PagesNone {
		return "", Device{}, fail(Forbidden, "api.device.no_pages")
	}
	token, err := s.newCode(by, pagesDoor(d.ID))
	return token, d, err
}

// ExchangePagesCode takes a code of OpenDevicePages for the device with that id; see ExchangeFlowCode.
func (s *Service) ExchangePagesCode(ctx context.Context, id, token, agent string) (FlowLogin, error) {
	return s.exchangeCode(ctx, pagesDoor(id), token, agent, func(r Reader, login *FlowLogin) error {
		d, err := r.Device(id)
		if err == nil {
			_, _, err = mayEnter(r, login.Account.ID, d.Owner, TeamMember)
		}
		if err == nil && d.Pages == PagesNone {
			err = fail(Forbidden, "api.device.no_pages")
		}
		return err
	})
}
