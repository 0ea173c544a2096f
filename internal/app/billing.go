package app

import (
	"tsunagi/internal/billing"
	"tsunagi/internal/panel"
)

// openBilling makes what follows subscriptions, where plans can be paid for.
func (c *cloud) openBilling() {
	if c.cfg.Stripe.Key == "" {
		return
	}
	c.billing = billing.New(billing.Options{Accounts: c.accounts, Client: billing.NewClient(c.cfg.Stripe.URL, c.cfg.Stripe.Key), Secret: c.cfg.Stripe.WebhookSecret,
		Grace: c.cfg.Stripe.Grace, Panel: c.panelURL(), Log: c.log})
}

// panelBilling shows it to the panel; nil where nothing is paid.
func (c *cloud) panelBilling() panel.Billing {
	if c.billing == nil {
		return nil
	}
	return c.billing
}
