package admin

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

func row(words ...any) string {
	parts := make([]string, len(words))
	for i, w := range words {
		if t, ok := w.(time.Time); ok {
			w = t.Format(time.RFC3339)
		}
		parts[i] = fmt.Sprint(w)
	}
	return strings.Join(parts, "\t")
}

func createAccount(k *call) error {
	email, err := k.needed("email")
	if err != nil {
		return err
	}
	password, err := k.password()
	if err != nil {
		return err
	}
	var a accountShape
	if err := k.client.call(k.ctx, http.MethodPost, "/accounts", newAccount{email, password, k.text("role"), k.text("plan")}, &a); err != nil {
		return err
	}
	rows := []string{row("account", a.ID), row("e-mail", a.Email), row("role", a.Role)}
	if a.Password != "" {
		rows = append(rows, row("password", a.Password))
	}
	return k.print(a, rows...)
}
