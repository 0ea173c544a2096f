package app

import (
	"context"
	"errors"
	"net"
	"strconv"

	"tsunagi/internal/account"
	"tsunagi/internal/editor"
)

// lanNodes offers the local broker to the broker nodes of this flow server: the dialog fills itself in with a user of its
// own.
type lanNodes struct{ b *lanBroker }

// Instances implements editor.Instances. The editor has the words for it.
func (n lanNodes) Instances(context.Context, string) ([]editor.Instance, error) {
	return []editor.Instance{{ID: lanInstance}}, nil
}

// Credential implements editor.Instances: it makes the user flows, or the next that is free.
func (n lanNodes) Credential(ctx context.Context, _, instance string, topics []string) (editor.Credential, error) {
	if instance != lanInstance {
		return editor.Credential{}, errors.New("there is no such broker on this device")
	}
	a, by := n.b.accounts, account.AdminActor()
	name, password := "", ""
	var err error
	for i := 1; i <= maxFlowUsers; i++ {
		if name = "flows"; i > 1 {
			name += "-" + strconv.Itoa(i)
		}
		_, password, err = a.CreateUser(ctx, by, lanInstance, account.NewUser{Name: name, Connect: true, Note: "made in the editor"})
		if known := (*account.Error)(nil); !errors.As(err, &known) || known.Code != account.Conflict {
			break
		}
	}
	if err != nil {
		return editor.Credential{}, n.inWords(err)
	}
	for _, topic := range topics {
		rule := account.Rule{Instance: lanInstance, User: name, Effect: account.Allow, Access: account.Both, Filter: topic}
		if _, err := a.CreateRule(ctx, by, rule); err != nil {
			return editor.Credential{}, errors.Join(n.inWords(err), a.DeleteUser(ctx, by, lanInstance, name))
		}
	}
	host, port, err := net.SplitHostPort(reachable(n.b.mqtts.Addr()))
	return editor.Credential{Host: host, Port: number(port), User: name, Password: password}, err
}

// inWords turns an error that is for people into its words.
func (n lanNodes) inWords(err error) error {
	if known := (*account.Error)(nil); errors.As(err, &known) {
		return errors.New(n.b.texts.text("en", known.Key, known.Args...))
	}
	return err
}
