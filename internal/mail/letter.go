package mail

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strings"

	"tsunagi/internal/account"
)

// letterPaths are the pages that the links of letters open; the token stands behind a #, which browsers send to no
// server.
var letterPaths = map[account.LetterKind]string{
	account.LetterJoin:      "/invitation#token=",
	account.LetterReset:     "/reset#token=",
	account.LetterHave:      "/sign-in",
	account.LetterPassword:  "/account",
	account.LetterNewPlace:  "/account",
	account.LetterFactorOff: "/account",
	account.LetterPasskey:   "/account",
	account.LetterIdentity:  "/account",
	account.LetterTeam:      "/join-team#token=",

	account.LetterCertificate: "/certificates",
}

// Letter sends a letter in its reader's language, or in all where that is unknown.
func (s *Sender) Letter(ctx context.Context, l account.Letter) error {
	server := s.o.PanelURL
	if u, err := url.Parse(server); err == nil && u.Host != "" {
		server = u.Host
	}
	languages := s.o.Languages
	if slices.Contains(languages, l.Language) {
		languages = []string{l.Language}
	}
	link := s.o.PanelURL + cmp.Or(l.Path, letterPaths[l.Kind])
	if l.Token != "" {
		link += url.QueryEscape(l.Token)
	}
	var subjects, texts []string
	for _, language := range languages {
		t := func(key string, args ...any) string { return s.o.Text(language, "api.mail."+key, args...) }
		kind := string(l.Kind)
		args := append([]any{"server", server, "address", l.Remote, "browser", l.Agent}, l.Args...)
		for i, a := range args {
			if key, ok := a.(account.TextKey); ok {
				args[i] = s.o.Text(language, string(key))
			}
		}
		text := t("greeting") + "\n\n" + t(kind+".text", args...) + "\n\n" + link + "\n\n"
		if l.Token != "" {
			text += t("invite.expires", "time", l.Expires.UTC().Format("2006-01-02 15:04 UTC")) + "\n"
		}
		subjects = append(subjects, t(kind+".subject", args...))
		texts = append(texts, text+t(kind+".end")+"\n")
	}
	_, err := s.send(ctx, l.To, strings.Join(subjects, " / "), strings.Join(texts, "\n----\n\n"))
	return err
}
