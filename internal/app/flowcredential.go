package app

import (
	"context"
	"errors"
	"strconv"

	"tsunagi/internal/account"
	"tsunagi/internal/editor"
	"tsunagi/internal/hosted"
)

// maxFlowUsers is how many users one flow server can have on one instance.
const maxFlowUsers = 9

// flowOwner is the flow server, and its owner as who acts for it.
func (c *cloud) flowOwner(ctx context.Context, server string) (f account.FlowServer, by account.Actor, err error) {
	err = c.kept.View(ctx, func(r account.Reader) (err error) {
		if f, err = r.FlowServer(server); err != nil {
			return err
		}
		by.Account, err = r.Account(f.Owner)
		return err
	})
	by.Via = "flow " + f.Name
	return f, by, err
}

// flowInstances are the instances of a flow server's owner.
func (c *cloud) flowInstances(ctx context.Context, server string) (list []hosted.Instance, err error) {
	_, by, err := c.flowOwner(ctx, server)
	if err != nil {
		return nil, err
	}
	all, err := c.accounts.Instances(ctx, by)
	for _, in := range all[:min(len(all), 200)] {
		list = append(list, hosted.Instance{ID: in.ID, Name: in.Name})
	}
	return list, c.inWords(err)
}

// flowCredential makes a user for a flow server on an instance of its owner's: flow-<name>, or the next that is free. It
// may publish and subscribe to the topics, and nothing else. A user whose rules can't be made is taken back.
func (c *cloud) flowCredential(ctx context.Context, server, instance string, topics []string) (hosted.Credential, error) {
	f, by, err := c.flowOwner(ctx, server)
	if err != nil {
		return hosted.Credential{}, err
	}
	name, password := "", ""
	for n := 1; n <= maxFlowUsers; n++ {
		if name = "flow-" + f.Name; n > 1 {
			name += "-" + strconv.Itoa(n)
		}
		_, password, err = c.accounts.CreateUser(ctx, by, instance, account.NewUser{Name: name, Connect: true, Note: f.Name})
		if known := (*account.Error)(nil); !errors.As(err, &known) || known.Code != account.Conflict {
			break
		}
	}
	if err != nil {
		return hosted.Credential{}, c.inWords(err)
	}
	for _, topic := range topics {
		_, err := c.accounts.CreateRule(ctx, by, account.Rule{Instance: instance, User: name, Effect: account.Allow, Access: account.Both, Filter: topic})
		if err != nil {
			return hosted.Credential{}, errors.Join(c.inWords(err), c.accounts.DeleteUser(ctx, by, instance, name))
		}
	}
	return hosted.Credential{Host: c.cfg.Domain, Port: number(c.doors.port(c.doors.mqtts)), User: instance + ":" + name, Password: password}, nil
}

// inWords turns an error that is for people into its words.
func (c *cloud) inWords(err error) error {
	if known := (*account.Error)(nil); errors.As(err, &known) {
		return errors.New(c.texts.text(c.cfg.Language, known.Key, known.Args...))
	}
	return err
}

// childInstances shows the platform's instances to the editor of a hosted flow server.
type childInstances struct{ *hosted.Child }

func (c childInstances) Instances(ctx context.Context, session string) (list []editor.Instance, err error) {
	all, err := c.Child.Instances(ctx, session)
	for _, in := range all {
		list = append(list, editor.Instance(in))
	}
	return list, err
}

func (c childInstances) Credential(ctx context.Context, session, instance string, topics []string) (editor.Credential, error) {
	made, err := c.Child.Credential(ctx, session, instance, topics)
	return editor.Credential(made), err
}
