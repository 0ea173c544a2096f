package panel_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"tsunagi/internal/account"
)

// join invites to the owner's team by a link and has somebody take it.
func (b *browser) join(owner *browser, role string) {
	b.w.t.Helper()
	var made struct{ Link string }
	owner.want("POST", "/api/v1/team/invitations", map[string]any{"role": role}, 201, &made)
	_, token, _ := strings.Cut(made.Link, "#token=")
	b.want("POST", "/api/v1/team-invitations/accept", map[string]any{"token": token}, 200, nil)
}

// TestRoles asks every route about a team's things as somebody of each lesser role: a viewer changes nothing, and who
// has the dashboards only sees neither secrets nor contents.
func TestRoles(t *testing.T) {
	w := newWorld(t)
	boss := w.owner()
	boss.want("POST", "/api/v1/teams", map[string]any{"name": "Works"}, 201, nil)
	id := boss.instance()
	var rule, flow, token struct{ ID string }
	var secret struct{ Password string }
	boss.want("POST", "/api/v1/instances/"+id+"/users", map[string]any{"name": "canary"}, 201, nil)
	boss.want("POST", "/api/v1/instances/"+id+"/rules", map[string]any{"effect": "deny", "access": "both", "filter": "canary/#"}, 201, &rule)
	boss.want("POST", "/api/v1/flow-servers", map[string]any{"name": "night"}, 201, &flow)
	boss.want("POST", "/api/v1/tokens", map[string]any{"name": "canary", "scope": "manage", "password": password}, 201, &token)
	boss.want("POST", "/api/v1/instances/"+id+"/password/reveal", map[string]any{"password": password}, 200, &secret)
	device := boss.pair("canary-pi", id)
	w.journal.Add(account.LogLine{Instance: id, Client: "canary"})

	// What these may do besides public routes: about themselves, and what their role is for.
	own := []string{"sign-out", "change-account", "delete-own-account", "list-sessions", "end-session", "list-factors", "begin-factor", "create-factor", "new-recovery-codes",
		"remove-factor", "list-passkeys", "begin-passkey", "create-passkey", "rename-passkey", "remove-passkey", "list-identities", "begin-identity", "remove-identity",
		"list-confirm-ways", "begin-confirm", "end-confirm", "begin-provider-confirm",
		"list-teams", "create-team", "switch-team", "leave-team", "accept-team-invitation"}
	dashboard := append([]string{"get-session", "list-plans", "list-regions", "list-instances", "get-instance", "list-flow-servers", "get-flow-server"}, own...)
	viewer := append([]string{"why", "mint-web-token"}, dashboard...)
	governing := []string{"list-tokens", "create-token", "delete-token", "rename-team", "delete-team", "change-member", "remove-member",
		"list-team-invitations", "invite-to-team", "delete-team-invitation", "move-instance"}
	people := map[string]*browser{}
	for _, role := range []string{"member", "viewer", "dashboard"} {
		people[role] = w.member(boss, role+"@example.org")
		people[role].join(boss, role)
		var s struct{ Team struct{ Name, Role string } }
		if people[role].want("GET", "/api/v1/session", nil, 200, &s); s.Team.Name != "Works" || s.Team.Role != role {
			t.Fatalf("%s looks at %+v", role, s)
		}
	}
	before := state(t, boss, id)
	for pattern, op := range operations(t, w) {
		method, path, _ := strings.Cut(pattern, " ")
		thing := id
		if strings.Contains(path, "flow-servers") {
			thing = flow.ID
		} else if strings.Contains(path, "devices") {
			thing = device
		}
		path = strings.NewReplacer("{id}", thing, "{name}", "canary", "{rule}", rule.ID, "{client_id}", "c%2F1", "{thing}", "thing", "{token}", "x").Replace(path)
		var in any
		if b := bodies[op.OperationID]; b != "" {
			in = b
		}
		if len(op.Security) == 0 || slices.Contains(own, op.OperationID) {
			continue
		}
		t.Run(op.OperationID, func(t *testing.T) {
			if !slices.Contains(dashboard, op.OperationID) {
				people["dashboard"].refused(method, path, in, 403, "forbidden")
			} else if _, raw := people["dashboard"].do(method, path, in); strings.Contains(string(raw), "canary") || strings.Contains(string(raw), secret.Password) {
				t.Errorf("somebody with the dashboards only sees %s", raw)
			}
			if method != http.MethodGet && !slices.Contains(viewer, op.OperationID) {
				people["viewer"].refused(method, path, in, 403, "forbidden")
			} else if op.OperationID == "follow-log" || op.OperationID == "watch-topics" { // goes on for ever
				return
			} else if _, raw := people["viewer"].do(method, path, in); strings.Contains(string(raw), secret.Password) {
				t.Errorf("a viewer sees %s", raw)
			}
			if slices.Contains(governing, op.OperationID) {
				people["member"].refused(method, path, in, 403, "forbidden")
			}
		})
	}
	if after := state(t, boss, id); after != before {
		t.Errorf("something was changed:\n%s\n%s", before, after)
	}
	if slices.Contains(w.devices.done, "rotate") || len(w.flows.removed) > 0 {
		t.Error("something was done to the team's things")
	}
	people["member"].want("POST", "/api/v1/instances/"+id+"/users", map[string]any{"name": "by-member"}, 201, nil)
	people["viewer"].want("GET", "/api/v1/instances/"+id+"/users/by-member", nil, 200, nil)
}

// TestRoleInAnswers: what belongs to another account than the one that is looked at says the role there.
func TestRoleInAnswers(t *testing.T) {
	w := newWorld(t)
	boss := w.owner()
	boss.want("POST", "/api/v1/teams", map[string]any{"name": "Works"}, 201, nil)
	id := boss.instance()
	device := boss.pair("green-pi", id)
	ken := w.member(boss, "ken@example.org")
	ken.join(boss, "viewer")
	ken.want("POST", "/api/v1/session/team", map[string]any{"team": ""}, 200, nil) // back to the own account
	own := ken.instance()
	for path, role := range map[string]string{"/instances/" + id: "viewer", "/devices/" + device: "viewer", "/instances/" + own: "owner"} {
		var got struct {
			Role      string
			Suspended bool
		}
		if ken.want("GET", "/api/v1"+path, nil, 200, &got); got.Role != role || got.Suspended {
			t.Errorf("%s says %+v, want %s", path, got, role)
		}
	}
	var team struct{ Team struct{ ID string } }
	boss.want("GET", "/api/v1/session", nil, 200, &team)
	boss.want("POST", "/api/v1/session/team", map[string]any{"team": ""}, 200, nil)
	boss.want("POST", "/api/v1/accounts/"+team.Team.ID+"/suspend", map[string]any{"why": "Unpaid."}, 200, nil)
	var got struct{ Suspended bool }
	if ken.want("GET", "/api/v1/instances/"+id, nil, 200, &got); !got.Suspended {
		t.Error("an instance of a suspended team doesn't say so")
	}
}

// state is all that the lesser roles could have changed.
func state(t *testing.T, b *browser, id string) string {
	t.Helper()
	var all strings.Builder
	for _, path := range []string{"/instances/" + id, "/instances/" + id + "/users", "/instances/" + id + "/rules", "/instances/" + id + "/logins", "/flow-servers", "/devices",
		"/tokens", "/team/members", "/team/invitations", "/instances", "/instances/" + id + "/bridges"} {
		var v any
		b.want("GET", "/api/v1"+path, nil, 200, &v)
		raw, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(raw)
	}
	return all.String()
}

// TestTeamByAPI is the life of a team as pages see it.
func TestTeamByAPI(t *testing.T) {
	w := newWorld(t)
	boss := w.owner()
	mine := boss.instance()
	boss.refused("POST", "/api/v1/team/invitations", map[string]any{"role": "member"}, 409, "conflict") // an own account has one person
	var team struct{ ID, Name string }
	boss.want("POST", "/api/v1/teams", map[string]any{"name": "Works"}, 201, &team)
	var list struct {
		Items []struct{ ID, Name, Role string }
	}
	if boss.want("GET", "/api/v1/instances", nil, 200, &list); len(list.Items) != 0 {
		t.Errorf("a new team has %+v", list)
	}
	boss.want("GET", "/api/v1/instances/"+mine, nil, 200, nil) // its address goes on working
	boss.want("POST", "/api/v1/instances/"+mine+"/move", map[string]any{"team": team.ID}, 200, nil)
	if boss.want("GET", "/api/v1/instances", nil, 200, &list); len(list.Items) != 1 {
		t.Errorf("after the move: %+v", list)
	}

	ken := w.member(boss, "ken@example.org")
	own := ken.instance()
	ken.refused("GET", "/api/v1/instances/"+mine, nil, 404, "not_found")
	ken.refused("POST", "/api/v1/instances/"+own+"/move", map[string]any{"team": team.ID}, 404, "not_found")
	ken.join(boss, "viewer")
	ken.want("GET", "/api/v1/instances/"+mine+"/users", nil, 200, nil)
	ken.refused("POST", "/api/v1/instances/"+own+"/move", map[string]any{"team": team.ID}, 403, "forbidden") // a viewer brings nothing in
	ken.want("POST", "/api/v1/instances/"+own+"/users", map[string]any{"name": "x"}, 201, nil)               // it is the owner's there
	ken.want("POST", "/api/v1/session/team", map[string]any{"team": ""}, 200, nil)
	if ken.want("GET", "/api/v1/instances", nil, 200, &list); len(list.Items) != 1 || list.Items[0].ID != own {
		t.Errorf("own account: %+v", list)
	}
	ken.refused("POST", "/api/v1/session/team", map[string]any{"team": strings.Repeat("z", 26)}, 404, "not_found")

	if boss.want("GET", "/api/v1/team/members", nil, 200, &list); len(list.Items) != 2 || list.Items[0].Role != "owner" {
		t.Fatalf("members %+v", list)
	}
	me, him := list.Items[0].ID, list.Items[1].ID
	boss.refused("PATCH", "/api/v1/team/members/"+me, map[string]any{"role": "member"}, 409, "conflict")
	boss.refused("POST", "/api/v1/team/leave", nil, 409, "conflict")
	boss.want("PATCH", "/api/v1/team/members/"+him, map[string]any{"role": "owner"}, 204, nil)
	boss.want("PATCH", "/api/v1/team/members/"+me, map[string]any{"role": "viewer"}, 204, nil)
	boss.refused("POST", "/api/v1/instances", map[string]any{"name": "x"}, 403, "forbidden")
	ken.want("POST", "/api/v1/session/team", map[string]any{"team": team.ID}, 200, nil)
	var token struct{ ID, Token string }
	ken.want("POST", "/api/v1/tokens", map[string]any{"name": "t", "scope": "manage", "days": 1, "password": password}, 201, &token)
	script := w.browser()
	script.header.Set("Authorization", "Bearer "+token.Token)
	script.want("POST", "/api/v1/instances", map[string]any{"name": "by script"}, 201, nil)
	script.refused("GET", "/api/v1/instances/"+own, nil, 404, "not_found") // the team's token is nobody's own
	script.refused("GET", "/api/v1/team/invitations", nil, 403, "forbidden")
	ken.want("DELETE", "/api/v1/team/members/"+me, nil, 204, nil)
	boss.refused("GET", "/api/v1/instances/"+mine, nil, 404, "not_found")
	if boss.want("GET", "/api/v1/instances", nil, 200, &list); len(list.Items) != 0 { // back in the own account, which is empty
		t.Errorf("after leaving: %+v", list)
	}
	ken.refused("DELETE", "/api/v1/team", nil, 409, "conflict")
	var audit struct {
		Items []struct{ Action, Email string }
	}
	ken.want("GET", "/api/v1/audit", nil, 200, &audit)
	seen := map[string]string{}
	for _, e := range audit.Items {
		seen[e.Action] = e.Email
	}
	for action, who := range map[string]string{"team.create": "owner@example.org", "team.join": "ken@example.org", "team.role": "owner@example.org",
		"token.create": "ken@example.org", "team.remove": "ken@example.org", "instance.create": "Works"} {
		if seen[action] != who {
			t.Errorf("audit says %s of %s, want %s", seen[action], action, who)
		}
	}
}

// TestTeamInvitations is about who may use a link.
func TestTeamInvitations(t *testing.T) {
	w := newWorld(t)
	boss := w.owner()
	boss.want("POST", "/api/v1/teams", map[string]any{"name": "Works"}, 201, nil)
	ken, ann := w.member(boss, "ken@example.org"), w.member(boss, "ann@example.org")
	mailed := func(email, role string) string {
		boss.want("POST", "/api/v1/team/invitations", map[string]any{"email": email, "role": role}, 201, nil)
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.mails["team "+email]
	}
	token := mailed("ken@example.org", "member")
	var offer struct {
		Team, Role, Email string
		MayJoin           bool `json:"may_join"`
	}
	if w.browser().want("GET", "/api/v1/team-invitations/"+token, nil, 200, &offer); offer.Team != "Works" || offer.Role != "member" || offer.MayJoin {
		t.Errorf("offer %+v", offer)
	}
	ann.refused("POST", "/api/v1/team-invitations/accept", map[string]any{"token": token}, 403, "forbidden")
	w.browser().refused("POST", "/api/v1/team-invitations/accept", map[string]any{"token": token}, 401, "unauthorized")
	w.browser().refused("POST", "/api/v1/team-invitations/join", map[string]any{"token": token, "password": password}, 403, "forbidden") // takes no account over
	ken.want("POST", "/api/v1/team-invitations/accept", map[string]any{"token": token}, 200, nil)
	ken.refused("POST", "/api/v1/team-invitations/accept", map[string]any{"token": token}, 404, "not_found")

	fresh := mailed("new@example.org", "viewer")
	if w.browser().want("GET", "/api/v1/team-invitations/"+fresh, nil, 200, &offer); !offer.MayJoin {
		t.Errorf("offer %+v", offer)
	}
	newcomer := w.browser()
	newcomer.want("POST", "/api/v1/team-invitations/join", map[string]any{"token": fresh, "password": password}, 204, nil)
	var s struct {
		Account struct{ Email, Role string }
		Team    struct{ Name, Role string }
	}
	if newcomer.want("GET", "/api/v1/session", nil, 200, &s); s.Team.Name != "Works" || s.Team.Role != "viewer" || s.Account.Role != "member" {
		t.Errorf("newcomer %+v", s)
	}

	// A member's own team brings nobody new into an installation that people join by its owner's invitation.
	ann.want("POST", "/api/v1/teams", map[string]any{"name": "Ann's"}, 201, nil)
	ann.want("POST", "/api/v1/team/invitations", map[string]any{"email": "stranger@example.org", "role": "member"}, 201, nil)
	w.mu.Lock()
	theirs := w.mails["team stranger@example.org"]
	w.mu.Unlock()
	w.browser().refused("POST", "/api/v1/team-invitations/join", map[string]any{"token": theirs, "password": password}, 403, "forbidden")

	gone := mailed("ann@example.org", "owner")
	var list struct {
		Items []struct{ ID, Email, Link string }
	}
	boss.want("GET", "/api/v1/team/invitations", nil, 200, &list)
	if len(list.Items) != 1 || list.Items[0].Link != "" {
		t.Fatalf("open invitations %+v", list)
	}
	ann.refused("DELETE", "/api/v1/team/invitations/"+list.Items[0].ID, nil, 404, "not_found") // another team's
	boss.want("DELETE", "/api/v1/team/invitations/"+list.Items[0].ID, nil, 204, nil)
	ann.refused("POST", "/api/v1/team-invitations/accept", map[string]any{"token": gone}, 404, "not_found")
	if strings.Contains(w.log.String(), token) || strings.Contains(w.log.String(), fresh) {
		t.Error("a link's secret is in the log")
	}
}

// TestAccountsPage is what the operator sees and does.
func TestAccountsPage(t *testing.T) {
	w := newWorld(t)
	boss := w.owner()
	ken := w.member(boss, "ken@example.org")
	id := ken.instance()
	type standing struct {
		ID, Name, Kind string
		Suspended      *struct{ Why string }
		Usage          struct {
			Instances, Connections int
			MessagesIn             int `json:"messages_in"`
		}
		Instances []struct{ ID string }
	}
	var list struct {
		Items []standing
		Total int
		Next  string
	}
	if boss.want("GET", "/api/v1/accounts?limit=1", nil, 200, &list); list.Total != 2 || list.Next != "1" || list.Items[0].Kind != "owner" {
		t.Errorf("first page %+v", list)
	}
	boss.want("GET", "/api/v1/accounts?query=KEN", nil, 200, &list)
	if len(list.Items) != 1 || list.Items[0].Usage.Instances != 1 || list.Items[0].Usage.Connections != 1 || list.Items[0].Usage.MessagesIn != 7 {
		t.Fatalf("found %+v", list)
	}
	at := "/api/v1/accounts/" + list.Items[0].ID
	var one standing
	if boss.want("POST", at+"/suspend", map[string]any{"why": "unpaid"}, 200, &one); one.Suspended == nil || len(one.Instances) != 1 || one.Instances[0].ID != id {
		t.Errorf("suspended %+v", one)
	}
	var s struct {
		Team struct{ Suspended *struct{ Why string } }
	}
	if ken.want("GET", "/api/v1/session", nil, 200, &s); s.Team.Suspended == nil || s.Team.Suspended.Why != "unpaid" {
		t.Errorf("the person sees %+v", s)
	}
	if p := ken.refused("POST", "/api/v1/instances", map[string]any{"name": "x"}, 403, "forbidden"); !strings.Contains(p.Detail, "unpaid") {
		t.Errorf("refused with %s", p.Detail)
	}
	ken.want("GET", "/api/v1/instances/"+id+"/users", nil, 200, nil)
	boss.want("POST", at+"/resume", nil, 200, nil)
	ken.want("POST", "/api/v1/instances", map[string]any{"name": "x"}, 201, nil)
	boss.want("PATCH", at, map[string]any{"instance_limit": 2}, 200, nil)
	ken.refused("POST", "/api/v1/instances", map[string]any{"name": "y"}, 403, "limit")
	boss.want("DELETE", at, nil, 204, nil)
	ken.refused("GET", "/api/v1/session", nil, 401, "unauthorized")
	boss.refused("GET", at, nil, 404, "not_found")
}

// TestTwoOwnersAtOnce has two people change one team's name and one person's role, each from what was read before.
func TestTwoOwnersAtOnce(t *testing.T) {
	w := newWorld(t)
	boss := w.owner()
	boss.want("POST", "/api/v1/teams", map[string]any{"name": "Works"}, 201, nil)
	second, third := w.member(boss, "second@example.org"), w.member(boss, "third@example.org")
	second.join(boss, "owner")
	third.join(boss, "member")
	type member struct{ ID, Email, ETag string }
	read := func(b *browser) (team, person string, who member) {
		t.Helper()
		var s struct{ Team struct{ ETag string } }
		b.want("GET", "/api/v1/session", nil, 200, &s)
		var list struct{ Items []member }
		b.want("GET", "/api/v1/team/members", nil, 200, &list)
		i := slices.IndexFunc(list.Items, func(m member) bool { return m.Email == "third@example.org" })
		return s.Team.ETag, list.Items[i].ETag, list.Items[i]
	}
	team, role, who := read(boss)
	at := "/api/v1/team/members/" + who.ID
	with := func(b *browser, tag string) { b.header = http.Header{"If-Match": {tag}} }

	second.want("PATCH", "/api/v1/team", map[string]any{"name": "Theirs"}, 200, nil)
	second.want("PATCH", at, map[string]any{"role": "dashboard"}, 204, nil)
	with(boss, team)
	boss.refused("PATCH", "/api/v1/team", `{"name":"Mine"}`, 412, "stale")
	with(boss, role)
	boss.refused("PATCH", at, `{"role":"viewer"}`, 412, "stale")
	boss.refused("DELETE", at, nil, 412, "stale")

	boss.header = http.Header{}
	team, role, _ = read(boss)
	with(boss, team)
	renamed, _ := boss.do("PATCH", "/api/v1/team", `{"name":"Mine"}`)
	if now := renamed.Header.Get("ETag"); renamed.StatusCode != 200 || now == "" || now == team {
		t.Errorf("renamed: %s, ETag %q", renamed.Status, now)
	}
	with(boss, role)
	boss.want("PATCH", at, map[string]any{"role": "viewer"}, 204, nil)
	boss.refused("DELETE", at, nil, 412, "stale") // by this very browser, which has not looked since
	boss.header = http.Header{}
	_, role, _ = read(boss)
	with(boss, role)
	boss.want("DELETE", at, nil, 204, nil)
}

// TestDeleteOwnAccount: who runs the server stays; somebody else goes with what they have, and their browser is signed out.
func TestDeleteOwnAccount(t *testing.T) {
	w := newWorld(t)
	boss := w.owner()
	said := func(b *browser, email, secret string, status int) string {
		t.Helper()
		var p problem
		b.want("DELETE", "/api/v1/account", map[string]any{"email": email, "password": secret}, status, &p)
		return p.Code
	}
	if code := said(boss, "owner@example.org", password, 409); code != "conflict" {
		t.Errorf("who runs the server: %s", code)
	}
	ken := w.member(boss, "ken@example.org")
	id := ken.instance()
	if code := said(ken, "owner@example.org", password, 422); code != "invalid" {
		t.Errorf("another e-mail: %s", code)
	}
	if code := said(ken, "ken@example.org", "wrong", 403); code != "forbidden" {
		t.Errorf("a wrong password: %s", code)
	}
	ken.want("GET", "/api/v1/instances/"+id, nil, 200, nil)
	ken.want("DELETE", "/api/v1/account", map[string]any{"email": "ken@example.org", "password": password}, 204, nil)
	if ken.cookie != "" {
		t.Error("the browser keeps its cookie")
	}
	ken.want("POST", "/api/v1/session", map[string]any{"email": "ken@example.org", "password": password}, 401, nil)
	boss.want("GET", "/api/v1/accounts/ken@example.org", nil, 404, nil)
}
