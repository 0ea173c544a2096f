package mail

import (
	"context"
	"net/url"
	"strings"

	"tsunagi/internal/account"
)

// Invite sends the link of an invitation. What language its reader speaks isn't known yet, so that it carries all.
// The token stands behind a #, which browsers send to no server.
func (s *Sender) Invite(ctx context.Context, m account.InviteMail) (sent string, err error) {
	server := s.o.PanelURL
	if u, err := url.Parse(server); err == nil && u.Host != "" {
		server = u.Host
	}
	link := s.o.PanelURL + "/invitation#token=" + url.QueryEscape(m.Token)
	until := m.Expires.UTC().Format("2006-01-02 15:04 UTC")
	var subjects, texts []string
	for _, l := range s.o.Languages {
		t := func(key string, args ...any) string { return s.o.Text(l, "api.mail."+key, args...) }
		subjects = append(subjects, t("invite.subject"))
		texts = append(texts, t("greeting")+"\n\n"+t("invite.text", "server", server)+"\n\n"+link+"\n\n"+
			t("invite.expires", "time", until)+"\n"+t("invite.ignore")+"\n")
	}
	return s.send(ctx, m.To, strings.Join(subjects, " / "), strings.Join(texts, "\n----\n\n"))
}
