package panel

import (
	"context"
	"net/url"
	"time"

	"tsunagi/internal/account"
)

type phoneBody struct {
	URL       string    `json:"url" doc:"Signs the device that opens it in, once, and shows the instance"`
	QR        qrBody    `json:"qr" doc:"The same as a QR code"`
	ExpiresAt time.Time `json:"expires_at"`
}

// showPhone makes a QR code that another device is signed in with. The code stands behind a #, which browsers send to no
// server, and the name is one that other devices reach.
func (p *Panel) showPhone(ctx context.Context, in *WithID) (*answer[phoneBody], error) {
	i, err := p.o.Accounts.Instance(ctx, actor(ctx), in.ID)
	if err != nil {
		return nil, err
	}
	origin := ""
	if p.o.Reach != nil {
		origin = p.o.Reach()
	}
	if origin == "" {
		return nil, &account.Error{Code: account.Conflict, Key: "api.phone.local"}
	}
	token, ends, err := p.o.Accounts.PhoneCode(ctx, actor(ctx))
	if err != nil {
		return nil, err
	}
	to := origin + "/enter#code=" + url.QueryEscape(token) + "&to=" + url.QueryEscape("/instances/"+i.ID)
	code, err := drawQR(to)
	return reply(phoneBody{to, code, ends.UTC()}), err
}

// enterByCode signs the device in that has a code.
func (p *Panel) enterByCode(ctx context.Context, in *struct {
	Body struct {
		Code string `json:"code" maxLength:"128"`
	}
}) (*withCookie, error) {
	session, err := p.o.Accounts.EnterByCode(ctx, actor(ctx), in.Body.Code)
	if err != nil {
		return nil, err
	}
	return &withCookie{sessionCookie(session)}, nil
}
