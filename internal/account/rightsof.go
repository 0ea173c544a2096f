package account

import "context"

// RightsOf are the present rights of a user of an instance who need not be connected, and whether the user may
// connect. They are nil where there is no such user. The panel's web client has the rights of the instance's owner,
// and so have the parts of this server that work on an instance.
func (d *Directory) RightsOf(ctx context.Context, instance, user string) (r *Rights, connect bool, err error) {
	sh := d.shard(instance)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	in, u, err := d.read(ctx, instance, user)
	if err != nil || in.ID == "" || u.Name == "" && user != WebUser && inner[user] == "" {
		return nil, false, err
	}
	set, err := d.set(ctx, sh, in.ID)
	if err != nil {
		return nil, false, err
	}
	if user == WebUser {
		return &Rights{set: set, user: &userState{}, name: user, all: true, why: "the web client has its owner's rights"}, true, nil
	}
	if why := inner[user]; why != "" {
		return &Rights{set: set, user: &userState{}, name: user, all: true, why: why}, true, nil
	}
	return set.rights(u.Name, u.First), u.Connect && !over(u.ExpiresAt, d.o.Now()), nil
}

// inner are the users that are parts of this server, and why they may do everything.
var inner = map[string]string{
	BridgeUser: "a bridge has the rights of the instance's owner",
	HookUser:   "a rule has the rights of the instance's owner",

	HistoryUser: "the history has the rights of the instance's owner",
}
