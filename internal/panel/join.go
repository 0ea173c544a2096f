package panel

import "context"

// emailInput names a mailbox. The answer never tells whether it has an account.
type emailInput struct {
	Body struct {
		Email    string `json:"email" maxLength:"254"`
		Language string `json:"language,omitempty" maxLength:"8"`
	}
}

func (p *Panel) signUp(ctx context.Context, in *emailInput) (*nothing, error) {
	return nil, p.o.Accounts.AskToJoin(ctx, actor(ctx), in.Body.Email, in.Body.Language)
}

func (p *Panel) askReset(ctx context.Context, in *emailInput) (*nothing, error) {
	return nil, p.o.Accounts.AskReset(ctx, actor(ctx), in.Body.Email)
}

// tokenInput carries the secret of a link in the body: addresses are logged, bodies are not.
type tokenInput struct {
	Body struct {
		Token string `json:"token" maxLength:"128"`
	}
}

func (p *Panel) checkReset(ctx context.Context, in *tokenInput) (*answer[invitedBody], error) {
	email, err := p.o.Accounts.ResetAccount(ctx, actor(ctx), in.Body.Token)
	return reply(invitedBody{email}), err
}

func (p *Panel) acceptReset(ctx context.Context, in *struct {
	Body struct {
		Token    string `json:"token" maxLength:"128"`
		Password string `json:"password" maxLength:"256"`
	}
}) (*nothing, error) {
	return nil, p.o.Accounts.ResetPassword(ctx, actor(ctx), in.Body.Token, in.Body.Password)
}
