package admin

import (
	"net/http"

	"tsunagi/internal/account"
)

// loginRoutes are the routes about ways of logging in.
func (s *Server) loginRoutes(mux *http.ServeMux) {
	mux.Handle("GET /instances/{id}/logins", s.answer(s.getLogins))
	mux.Handle("PATCH /instances/{id}/logins", s.answer(s.setLogins))
	mux.Handle("GET /instances/{id}/authorities", s.answer(s.listAuthorities))
	mux.Handle("POST /instances/{id}/authorities", s.answer(s.createAuthority))
	mux.Handle("DELETE /instances/{id}/authorities/{thing}", s.answer(s.deleteAuthority))
	mux.Handle("GET /instances/{id}/certificates", s.answer(s.listCertificates))
	mux.Handle("POST /instances/{id}/certificates", s.answer(s.issueCertificate))
	mux.Handle("POST /instances/{id}/authorities/{thing}/revoke/{serial}", s.answer(s.revokeCertificate))
	mux.Handle("GET /instances/{id}/token-keys", s.answer(s.listTokenKeys))
	mux.Handle("POST /instances/{id}/token-keys", s.answer(s.addTokenKey))
	mux.Handle("DELETE /instances/{id}/token-keys/{thing}", s.answer(s.deleteTokenKey))
	mux.Handle("POST /instances/{id}/metrics-token", s.answer(s.metricsToken))
}

func (s *Server) getLogins(r *http.Request) (any, error) {
	l, err := s.accounts.Logins(r.Context(), actor(), r.PathValue("id"))
	return showLogins(l), err
}

func (s *Server) setLogins(r *http.Request) (any, error) {
	in, err := decode[loginsChange](r)
	if err != nil {
		return nil, err
	}
	c := account.LoginsChange{Password: in.Password, Token: in.Token, Certificate: (*account.CertificateUse)(in.Certificate),
		CertificateUser: (*account.IdentityField)(in.CertificateUser), TokenIssuer: in.TokenIssuer, TokenAudience: in.TokenAudience, TokenUser: in.TokenUser}
	l, err := s.accounts.ChangeLogins(r.Context(), actor(), r.PathValue("id"), c)
	return showLogins(l), err
}

func (s *Server) listAuthorities(r *http.Request) (any, error) {
	list, err := s.accounts.ClientAuthorities(r.Context(), actor(), r.PathValue("id"))
	return showAll(list, showAuthority), err
}

func (s *Server) createAuthority(r *http.Request) (any, error) {
	in, err := decode[newAuthority](r)
	if err != nil {
		return nil, err
	}
	list, err := s.accounts.AddClientAuthorities(r.Context(), actor(), r.PathValue("id"), in.PEM)
	return showAll(list, showAuthority), err
}

func (s *Server) deleteAuthority(r *http.Request) (any, error) {
	return nil, s.accounts.DeleteClientAuthority(r.Context(), actor(), r.PathValue("id"), r.PathValue("thing"))
}

func (s *Server) listCertificates(r *http.Request) (any, error) {
	out := []certificateShape{}
	q := account.CertificateQuery{Instance: r.PathValue("id"), Limit: 1000}
	for {
		list, next, err := s.accounts.ClientCertificates(r.Context(), actor(), q)
		if err != nil {
			return nil, err
		}
		out = append(out, showAll(list, showCertificate)...)
		if q.After = next; next == "" {
			return out, nil
		}
	}
}

func (s *Server) issueCertificate(r *http.Request) (any, error) {
	in, err := decode[newCertificate](r)
	if err != nil {
		return nil, err
	}
	row, made, err := s.accounts.IssueCertificate(r.Context(), actor(), r.PathValue("id"),
		account.NewCertificate{Authority: in.Authority, User: in.User, Days: in.Days, Request: in.Request, Note: in.Note})
	out := showCertificate(row)
	out.Certificate, out.Key = string(made.Certificate), string(made.Key)
	return out, err
}

func (s *Server) revokeCertificate(r *http.Request) (any, error) {
	row, err := s.accounts.RevokeCertificate(r.Context(), actor(), r.PathValue("id"), r.PathValue("thing"), r.PathValue("serial"))
	return showCertificate(row), err
}

func (s *Server) listTokenKeys(r *http.Request) (any, error) {
	list, err := s.accounts.TokenKeys(r.Context(), actor(), r.PathValue("id"))
	return showAll(list, showTokenKey), err
}

func (s *Server) addTokenKey(r *http.Request) (any, error) {
	in, err := decode[newTokenKey](r)
	if err != nil {
		return nil, err
	}
	k, err := s.accounts.AddTokenKey(r.Context(), actor(), r.PathValue("id"), account.NewTokenKey(in))
	return showTokenKey(k), err
}

func (s *Server) deleteTokenKey(r *http.Request) (any, error) {
	return nil, s.accounts.DeleteTokenKey(r.Context(), actor(), r.PathValue("id"), r.PathValue("thing"))
}

func (s *Server) metricsToken(r *http.Request) (any, error) {
	in, err := decode[tokenWish](r)
	if err != nil {
		return nil, err
	}
	if in.Drop {
		return tokenShape{}, s.accounts.DropMetricsToken(r.Context(), actor(), r.PathValue("id"))
	}
	token, err := s.accounts.MintMetricsToken(r.Context(), actor(), r.PathValue("id"))
	return tokenShape{token}, err
}
