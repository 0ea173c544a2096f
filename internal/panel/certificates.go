package panel

import (
	"context"
	"time"
)

// Certificate is how one served certificate is.
type Certificate struct {
	Names     []string   `json:"names"`
	Source    string     `json:"source" enum:"acme,files,local" doc:"A public authority, files, or the local authority"`
	Issuer    string     `json:"issuer,omitempty"`
	NotBefore *time.Time `json:"not_before,omitempty" doc:"Absent while there is no certificate"`
	NotAfter  *time.Time `json:"not_after,omitempty"`
	Problem   string     `json:"problem,omitempty" doc:"Why the last attempt to get or renew it failed"`
	Since     *time.Time `json:"since,omitempty" doc:"Of the problem"`
	Missing   bool       `json:"missing" doc:"Nothing is set up that could get it: wildcards need the settings dns.*"`
	Late      bool       `json:"late" doc:"Somebody must look after it; the owners get mail"`
}

func (p *Panel) listCertificatesServed(context.Context, *empty) (*answer[page[Certificate]], error) {
	var list []Certificate
	if p.o.Certificates != nil {
		list = p.o.Certificates()
	}
	return reply(pageOf(list, func(c Certificate) Certificate { return c })), nil
}
