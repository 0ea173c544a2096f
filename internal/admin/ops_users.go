package admin

// userOps are the operations about users, rules, and ways of logging in.
func userOps() []operation {
	const one = "/instances/INSTANCE"
	userCols := "USER=name MAY_CONNECT=connect PASSWORD=password"
	ruleCols := "ID=id USER=user EFFECT=effect ACCESS=access FILTER=filter MAX_QOS=max_qos RETAIN=retain EXPIRES=expires_at NOTE=note"
	ruleOptions := []option{opt("max-qos", number, "highest QoS that it allows"), opt("retain", yes, "may publish retained messages: --retain or --retain=false"),
		opt("note", text, "note"), opt("expires", text, "it holds until this time, such as 2026-12-31T00:00:00Z; empty: for ever").as("expires_at")}
	loginCols := "PASSWORD=password TOKEN=token CERTIFICATE=certificate CERTIFICATE_USER=certificate_user TOKEN_ISSUER=token_issuer TOKEN_AUDIENCE=token_audience TOKEN_USER=token_user"
	authorityCols := "ID=id OURS=own CREATED=created_at NAME=name"
	guardCols := "OTHERS=others BAN=ban BAN_TRIES=ban_tries BAN_WINDOW=ban_window BAN_LENGTH=ban_length CONNECT_RATE=connect_rate"
	addressCols := "ID=id EFFECT=effect ADDRESSES=prefix CREATED=created_at NOTE=note"
	banCols := "ADDRESS=address SINCE=since UNTIL=until AUTOMATIC=automatic TRIES=tries REFUSED=refused USERS=users NOTE=note"
	return []operation{
		op("user create", "INSTANCE NAME", "POST "+one+"/users", "make an MQTT user", view{cols: userCols},
			opt("no-connect", yes, "may not connect yet"), opt("note", text, "note"), opt("client-id", text, "the one client id that it may connect with [any]"),
			opt("expires", text, "may connect until this time, such as 2026-12-31T00:00:00Z [for ever]").as("expires_at"),
			opt("password", secret, "the password; else one is generated and printed once:")).after(mayConnect),
		op("user list", "INSTANCE", "GET "+one+"/users", "list MQTT users", view{cols: "NAME=name MAY_CONNECT=connect FIRST=first CREATED=created_at NOTE=note", bare: true, page: "cursor"},
			opt("query", text, "part of the name or note [all]")),
		op("user show", "INSTANCE NAME", "GET "+one+"/users/NAME", "show an MQTT user", view{}),
		op("user set", "INSTANCE NAME", "PATCH "+one+"/users/NAME", "change an MQTT user", view{cols: userCols},
			opt("password", secret, "a new password"), opt("rotate", yes, "generate a new password and print it once"),
			opt("connect", yes, "may connect: --connect or --connect=false"), opt("note", text, "note"),
			opt("client-id", text, "the one client id that it may connect with; empty: any"),
			opt("expires", text, "may connect until this time; empty: for ever").as("expires_at")),
		op("user delete", "INSTANCE NAME", "DELETE "+one+"/users/NAME", "delete an MQTT user with its rules", view{}),
		op("user purge", "INSTANCE", "POST "+one+"/users/delete", "delete up to 1000 MQTT users with their rules", view{cols: "NAME=name PROBLEM=detail"},
			opt("name", each, "user; may be given again").as("names").needed()).really("this deletes all users that are named, with their rules"),
		op("user export", "INSTANCE", "GET "+one+"/users.csv", "print users and rules as a table (CSV) for user import, without passwords", view{raw: true}),

		op("rule create", "INSTANCE allow|deny=effect publish|subscribe|both=access FILTER", "POST "+one+"/rules", "make an access rule", view{cols: "RULE=id", tidy: userForAll},
			append(ruleOptions, opt("user", text, "user that it is about [all users; %u and %c in the filter stand for user and client id]"))...),
		op("rule list", "INSTANCE", "GET "+one+"/rules", "list access rules", view{cols: ruleCols, bare: true, tidy: userForAll}, opt("user", text, "those about one user [all]")),
		op("rule show", "INSTANCE RULE", "GET "+one+"/rules/RULE", "show an access rule", view{cols: ruleCols, tidy: userForAll}),
		op("rule set", "INSTANCE RULE", "PATCH "+one+"/rules/RULE", "change an access rule", view{cols: ruleCols, tidy: userForAll},
			append(ruleOptions, opt("effect", text, "allow or deny"), opt("access", text, "publish, subscribe or both"), opt("filter", text, "topic filter"))...),
		op("rule delete", "INSTANCE RULE", "DELETE "+one+"/rules/RULE", "delete an access rule", view{}),

		op("login show", "INSTANCE", "GET "+one+"/logins", "show how clients of an instance log in", view{cols: loginCols}),
		op("login set", "INSTANCE", "PATCH "+one+"/logins", "change how clients log in; who would not be let in any more is disconnected", view{cols: loginCols},
			opt("password", yes, "user name and password: --password or --password=false"), opt("token", yes, "signed tokens (JWT) as password"),
			opt("certificate", text, "client certificates: off, accepted or required"), opt("certificate-user", text, "what of a certificate names the user: cn, dns, email or uri"),
			opt("token-issuer", text, "claim iss [any]"), opt("token-audience", text, "claim aud [the instance's id]"), opt("token-user", text, "claim that names the user [sub]")),
		op("guard show", "INSTANCE", "GET "+one+"/guard", "show from where clients may come, and how who guesses passwords is shut out", view{cols: guardCols}),
		op("guard set", "INSTANCE", "PATCH "+one+"/guard", "change from where clients may come; who may not any more is disconnected", view{cols: guardCols},
			opt("others", text, "addresses that no rule contains: allow or deny"), opt("ban", yes, "shut an address out after too many different wrong logins: --ban or --ban=false"),
			opt("ban-tries", number, "after so many"), opt("ban-window", number, "within so many seconds"), opt("ban-length", number, "for so many seconds"),
			opt("connect-rate", number, "clients that may log in in a minute; 0: any number")),
		op("address create", "INSTANCE allow|deny=effect ADDRESSES=prefix", "POST "+one+"/addresses", "make an address rule, about one address or a range such as 192.0.2.0/24", view{cols: addressCols},
			opt("note", text, "note")),
		op("address list", "INSTANCE", "GET "+one+"/addresses", "list address rules: the narrowest range that contains an address decides", view{cols: addressCols}),
		op("address show", "INSTANCE RULE", "GET "+one+"/addresses/RULE", "show an address rule", view{cols: addressCols}),
		op("address set", "INSTANCE RULE allow|deny=effect ADDRESSES=prefix", "PATCH "+one+"/addresses/RULE", "change an address rule", view{cols: addressCols}, opt("note", text, "note")),
		op("address delete", "INSTANCE RULE", "DELETE "+one+"/addresses/RULE", "delete an address rule", view{}),
		op("ban create", "INSTANCE ADDRESS", "POST "+one+"/bans", "shut an address out for a time; its clients are disconnected", view{cols: banCols},
			opt("minutes", number, "for so many, up to 525600").needed(), opt("note", text, "note")),
		op("ban list", "INSTANCE", "GET "+one+"/bans", "list the addresses that are shut out: after wrong logins, and by hand", view{cols: banCols}),
		op("ban lift", "INSTANCE ADDRESS", "DELETE "+one+"/bans/ADDRESS", "let an address in again", view{}),
		op("authority create", "INSTANCE", "POST "+one+"/client-authorities", "make a private authority of client certificates, or take one's own in", view{cols: authorityCols, bare: true},
			opt("pem", file, "file with certificates of your own authorities, - for standard input [a private one is made]")),
		op("authority list", "INSTANCE", "GET "+one+"/client-authorities", "list authorities of client certificates", view{cols: authorityCols, bare: true}),
		op("authority delete", "INSTANCE AUTHORITY", "DELETE "+one+"/client-authorities/AUTHORITY", "delete an authority; its clients are disconnected", view{}),
		op("certificate issue", "INSTANCE USER", "POST "+one+"/client-certificates", "issue a client certificate; prints it, and its key where none was asked for by request",
			view{only: "certificate key"},
			opt("days", number, "life in days [365]"), opt("request", file, "file with a certificate request (PEM), - for standard input [a key is made]"),
			opt("authority", text, "authority that signs [the newest of ours]"), opt("note", text, "note")),
		op("certificate list", "INSTANCE", "GET "+one+"/client-certificates", "list client certificates",
			view{cols: "AUTHORITY=authority SERIAL=serial USER=user UNTIL=expires_at REVOKED=revoked_at NOTE=note", bare: true, page: "cursor"}, opt("user", text, "those of one user [all]"), opt("query", text, "part of user, serial number or note; case is ignored [all]")),
		op("certificate revoke", "INSTANCE AUTHORITY SERIAL", "POST "+one+"/client-certificates/revoke", "revoke a client certificate; its client is disconnected", view{cols: "REVOKED=serial"}),
		op("token-key add", "INSTANCE", "POST "+one+"/token-keys", "add a public key or a key set that judges tokens", view{cols: "ID=id KID=kid ALGORITHM=algorithm URL=url"},
			opt("key", file, "file with a public key (PEM or JWK), - for standard input"), opt("url", text, "https address of a key set (JWKS)"),
			opt("kid", text, "id of the key [the JWK's own, or its thumbprint]")),
		op("token-key list", "INSTANCE", "GET "+one+"/token-keys", "list keys that judge tokens", view{cols: "ID=id KID=kid ALGORITHM=algorithm URL=url", bare: true}),
		op("token-key delete", "INSTANCE KEY", "DELETE "+one+"/token-keys/KEY", "delete a key; clients with its tokens are disconnected", view{}),

		op("page-key create", "INSTANCE", "POST "+one+"/publishable-keys", "make a key that browsers may have: narrow topics, for pages of some origins",
			view{cols: "KEY=key NAME=name URL=url EXPIRES=expires_at"},
			opt("name", text, "name").needed(), opt("origin", each, "origin of pages, such as https://example.org; may be given again").as("origins").needed(),
			opt("publish", each, "topic filter to publish; may be given again"), opt("subscribe", each, "topic filter to subscribe; may be given again"),
			opt("connections", number, "at the same time, at most"), opt("days", number, "life in days [for ever]")),
		op("page-key list", "INSTANCE", "GET "+one+"/publishable-keys", "list the keys that browsers may have",
			view{cols: "KEY=key NAME=name ORIGINS=origins PUBLISH=publish SUBSCRIBE=subscribe CONNECTIONS=connections EXPIRES=expires_at"}),
		op("page-key delete", "INSTANCE KEY", "DELETE "+one+"/publishable-keys/KEY", "delete a key; pages with it are disconnected", view{}),
	}
}

// mayConnect turns --no-connect into the field.
func mayConnect(_ *call, body fields) error {
	body["connect"] = body["no_connect"] != true
	delete(body, "no_connect")
	return nil
}
