package admin

// peopleOps are the operations about accounts, teams and what people sign in with.
func peopleOps() []operation {
	accountCols := "ID=id KIND=kind NAME=name PLAN=plan INSTANCES=usage.instances FLOW_SERVERS=usage.flow_servers DEVICES=usage.devices CONNECTIONS=usage.connections IN=usage.messages_in OUT=usage.messages_out SEEN=seen_at SUSPENDED=suspended.why"
	invitationCols := "ID=id E-MAIL=email SENT=sent CREATED=created_at EXPIRES=expires_at"
	teamCols := "ID=id NAME=name ROLE=role PLAN=plan SUSPENDED=suspended.why"
	teamInvitationCols := "ID=id E-MAIL=email ROLE=role EXPIRES=expires_at LINK=link"
	tokenCols := "ID=id NAME=name SCOPE=scope INSTANCE=instance TOPICS=topics CREATED=created_at EXPIRES=expires_at USED=used_at"
	none := fields{"password": ""}
	oneAccount := view{cols: "ACCOUNT=id PLAN=plan INSTANCES=instance_limit SUSPENDED=suspended", tidy: accountAsBefore}
	return []operation{
		op("account set", "ACCOUNT", "PATCH /accounts/ACCOUNT", "change what an account may have; ACCOUNT is an id or an e-mail", oneAccount,
			opt("plan", text, "plan; empty: the default plan"), opt("instances", number, "how many instances it may have; 0: as the settings say").as("instance_limit")),
		op("account suspend", "ACCOUNT", "POST /accounts/ACCOUNT/suspend", "stop everything of an account; nothing is deleted", oneAccount,
			opt("why", text, "reason, told to its people and to clients that are refused").needed()),
		op("account resume", "ACCOUNT", "POST /accounts/ACCOUNT/resume", "let a suspended account work again", oneAccount),
		op("account delete", "ACCOUNT", "DELETE /accounts/ACCOUNT", "delete an account with its instances, flow servers and devices", view{}).
			really("this deletes the account with all that belongs to it"),
		op("account list", "", "GET /accounts", "list accounts", view{cols: "ID=id E-MAIL_OR_TEAM=title ROLE=role PLAN=plan CREATED=created_at SUSPENDED=suspended", bare: true, page: "cursor", tidy: accountAsBefore},
			opt("query", text, "part of name, e-mail or id [all]")),
		op("account usage", "", "GET /accounts", "list all accounts with what they use", view{cols: accountCols, page: "cursor", most: 1000},
			opt("query", text, "part of name, e-mail or id [all]")),
		op("account show", "ACCOUNT", "GET /accounts/ACCOUNT", "show an account with its instances; ACCOUNT is an id or an e-mail", view{}),
		op("account reset", "E-MAIL=email", "POST /password-reset", "send somebody a link to choose a new password", view{}),
		op("account language", "LANGUAGE", "PATCH /account", "set the language of a person: en or ja", view{cols: "ACCOUNT=id E-MAIL=email LANGUAGE=language"}).ofAccount(),
		op("account password", "", "PATCH /account", "set the password of a person; their browsers are signed out", view{cols: "ACCOUNT=id E-MAIL=email"},
			opt("password", secret, "the new password").needed()).ofAccount().after(newPassword),

		op("invitation create", "E-MAIL=email", "POST /invitations", "invite somebody to make an account, by mail", view{cols: invitationCols}),
		op("invitation list", "", "GET /invitations", "list open invitations", view{cols: invitationCols}),
		op("invitation delete", "INVITATION", "DELETE /invitations/INVITATION", "take an invitation back", view{}),

		op("team create", "NAME", "POST /teams", "make a team with a person as its owner", view{cols: "TEAM=id NAME=name"}).ofAccount(),
		op("team list", "", "GET /teams", "list the accounts that a person may use", view{cols: teamCols}).ofAccount(),
		op("team rename", "NAME", "PATCH /team", "rename the team that --account names", view{cols: "TEAM=id NAME=name"}).ofAccount(),
		op("team delete", "", "DELETE /team", "delete the team that --account names, once nothing is in it", view{}).ofAccount(),
		op("team invite", "owner|member|viewer|dashboard=role", "POST /team/invitations", "invite to the team that --account names, by mail or by a link that is shown once", view{cols: teamInvitationCols},
			opt("email", text, "address that the link is sent to [it is printed]")).ofAccount(),
		op("team invitations", "", "GET /team/invitations", "list the open invitations to a team", view{cols: teamInvitationCols}).ofAccount(),
		op("team uninvite", "INVITATION", "DELETE /team/invitations/INVITATION", "take an invitation to a team back", view{}).ofAccount(),
		op("member list", "", "GET /team/members", "list the people of a team", view{cols: "ID=id E-MAIL=email ROLE=role SINCE=since"}).ofAccount(),
		op("member set", "PERSON owner|member|viewer|dashboard=role", "PATCH /team/members/PERSON", "give somebody another role in the team; PERSON is an id", view{}).ofAccount(),
		op("member remove", "PERSON", "DELETE /team/members/PERSON", "take somebody out of the team; PERSON is an id", view{}).ofAccount(),

		op("token create", "NAME", "POST /tokens", "make an API token; it is printed once", view{only: "token"},
			opt("scope", text, "manage or read; for messages of one instance alone publish, subscribe or publish-subscribe").needed(),
			opt("instance", text, "the one instance that it is for [all]"), opt("topic", each, "of a scope for messages: topic filter that it is for; may be given again").as("topics"), opt("days", number, "life in days [for ever]")).ofAccount(),
		op("token list", "", "GET /tokens", "list API tokens", view{cols: tokenCols}).ofAccount(),
		op("token delete", "TOKEN", "DELETE /tokens/TOKEN", "delete an API token", view{}).ofAccount(),

		op("browser list", "", "GET /sessions", "list the browsers that a person is signed in with", view{cols: "ID=id SEEN=seen_at CREATED=created_at FROM=remote BROWSER=agent"}).ofAccount(),
		op("browser end", "BROWSER", "DELETE /sessions/BROWSER", "sign a person's browser out; others: all", view{}).ofAccount(),
		op("passkey list", "", "GET /passkeys", "list a person's passkeys", view{cols: "ID=id NAME=name CREATED=created_at USED=used_at"}).ofAccount(),
		op("passkey rename", "PASSKEY NAME", "PATCH /passkeys/PASSKEY", "rename a person's passkey", view{cols: "PASSKEY=id NAME=name"}).ofAccount(),
		op("passkey remove", "PASSKEY", "POST /passkeys/PASSKEY/remove", "take a person's passkey away", view{}).ofAccount().with(none),
		op("identity list", "", "GET /identities", "list a person's identities with other providers", view{cols: "ID=id PROVIDER=provider E-MAIL=email CREATED=created_at USED=used_at"}).ofAccount(),
		op("identity remove", "IDENTITY", "POST /identities/IDENTITY/remove", "take a person's identity with a provider away", view{}).ofAccount().with(none),
		op("factor list", "", "GET /factors", "list what a person's second step is", view{cols: "ID=id KIND=kind NAME=name LEFT=left CREATED=created_at USED=used_at"}).ofAccount(),
		op("factor remove", "FACTOR", "POST /factors/FACTOR/remove", "take a person's authenticator app away, when the phone is lost", view{}).ofAccount().with(none),

		op("audit list", "", "GET /audit", "list who did what, newest first [everybody's]", view{cols: "ID=id TIME=time WHO=email VIA=via FROM=remote ACTION=action OBJECT=object DETAIL=detail", page: "before", most: 100},
			opt("account", text, "what was done in one account, by e-mail or id").as("@"), opt("instance", text, "what was done to one instance"), opt("query", text, "part of who, how, address, action, thing or detail; case is ignored [all]")).after(auditOfAll),
		op("plan list", "", "GET /plans", "list plans", view{cols: "ID=id NAME=name DEFAULT=default PAID=paid INSTANCES=instances CONNECTIONS=connections USERS=users FLOW_SERVERS=flow_servers DURABILITY=durability"}),
		op("region list", "", "GET /regions", "list regions", view{cols: "ID=id NAME=name"}),
		op("server status", "", "GET /status", "show what this server is", view{}),
		op("server certificates", "", "GET /certificates", "list the certificates that the server shows, and until when", view{cols: "NAMES=names SOURCE=source UNTIL=not_after LATE=late MISSING=missing PROBLEM=problem"}),
	}
}

// newPassword has the field as the API wants it: nobody asks for the password before.
func newPassword(_ *call, body fields) error {
	body["password"] = fields{"old": "", "new": body["password"]}
	return nil
}

// auditOfAll asks for everybody's, where nothing was chosen.
func auditOfAll(k *call, query fields) error {
	if !k.flags.Changed("account") && !k.flags.Changed("instance") {
		query["all"] = true
	}
	return nil
}
