package panel

import (
	"context"
	"fmt"
	"net/http"

	"tsunagi/internal/account"
	"tsunagi/internal/roster"
)

// importShown is how many users and rules of an import are listed; all are counted.
const importShown = 100

type importInput struct {
	WithID
	Body struct {
		Conf         string `json:"conf,omitempty" doc:"mosquitto.conf"`
		Passwords    string `json:"passwords,omitempty" doc:"Password file of Mosquitto; the passwords go on working"`
		ACL          string `json:"acl,omitempty" doc:"ACL file of Mosquitto"`
		CSV          string `json:"csv,omitempty" doc:"Rows of name, password, connect, rules"`
		CloudMQTT    string `json:"cloudmqtt,omitempty" doc:"JSON: users and acls as CloudMQTT's API answers them"`
		DryRun       bool   `json:"dry_run,omitempty" doc:"Only tell what would happen"`
		KeepExisting bool   `json:"keep_existing,omitempty" doc:"Users that are there already stay as they are; else they are faults"`
		SkipFaults   bool   `json:"skip_faults,omitempty" doc:"Take the rest where lines can't be taken; else nothing is changed"`
	}
}

type importedUser struct {
	Name     string `json:"name"`
	Connect  bool   `json:"connect"`
	From     string `json:"from" enum:"hash,given,generated" doc:"Whence the password comes"`
	Password string `json:"password,omitempty" doc:"Generated password; shown in this answer only"`
}

type importedRule struct {
	User   string `json:"user" doc:"Empty: all users"`
	Effect string `json:"effect"`
	Access string `json:"access"`
	Filter string `json:"filter"`
}

type remark struct {
	Source  string `json:"source" doc:"conf, passwords, acl, csv, cloudmqtt; empty: all"`
	Line    int    `json:"line" doc:"0: the whole"`
	Message string `json:"message"`
}

type importBody struct {
	Applied   bool           `json:"applied"`
	Users     int            `json:"users" doc:"New users"`
	Kept      int            `json:"kept" doc:"Users that are there and stay"`
	Rules     int            `json:"rules" doc:"New rules"`
	SameRules int            `json:"same_rules" doc:"Rules that are there already"`
	Faults    int            `json:"faults" doc:"Lines that can't be taken"`
	FaultList []remark       `json:"fault_list" doc:"The first 200"`
	NoteList  []remark       `json:"note_list" doc:"What is left out, the first 200"`
	UserList  []importedUser `json:"user_list" doc:"New users: the first 100, and all whose password was generated"`
	RuleList  []importedRule `json:"rule_list" doc:"New rules, the first 100"`
}

// importUsers answers a dry run with the report, and refuses what has faults unless they are to be skipped.
func (p *Panel) importUsers(ctx context.Context, in *importInput) (*answer[importBody], error) {
	b := in.Body
	by := actor(ctx)
	if _, err := p.o.Accounts.Instance(ctx, by, in.ID); err != nil { // before the work of reading
		return nil, err
	}
	read := roster.Read(roster.Files{Conf: b.Conf, Passwords: b.Passwords, ACL: b.ACL, CSV: b.CSV, CloudMQTT: b.CloudMQTT})
	report, err := p.o.Accounts.Import(ctx, by, in.ID, read, account.ImportWish{DryRun: b.DryRun, KeepExisting: b.KeepExisting, SkipFaults: b.SkipFaults})
	if err != nil {
		return nil, err
	}
	out := p.showImport(ctx, report)
	if !b.DryRun && !report.Applied {
		refused := newProblem(http.StatusUnprocessableEntity, string(account.Invalid))
		refused.Detail = p.o.Text(requestOf(ctx).language, "api.import.faults", "count", report.Faults.Total)
		for _, f := range out.FaultList {
			refused.Errors = append(refused.Errors, Fault{fmt.Sprintf("%s:%d", f.Source, f.Line), f.Message})
		}
		return nil, refused
	}
	return reply(out), nil
}

func (p *Panel) showImport(ctx context.Context, r account.ImportReport) importBody {
	out := importBody{Applied: r.Applied, Users: len(r.Users), Kept: r.Kept, Rules: len(r.Rules), SameRules: r.Same, Faults: r.Faults.Total,
		FaultList: p.remarks(ctx, r.Faults), NoteList: p.remarks(ctx, r.Notes), UserList: []importedUser{}, RuleList: []importedRule{}}
	for _, u := range r.Users {
		if password := r.Generated[u.Name]; len(out.UserList) < importShown || password != "" {
			out.UserList = append(out.UserList, importedUser{u.Name, u.Connect, u.Password, password})
		}
	}
	for _, n := range r.Rules[:min(len(r.Rules), importShown)] {
		out.RuleList = append(out.RuleList, importedRule{n.User, string(n.Effect), string(n.Access), n.Filter})
	}
	return out
}

func (p *Panel) remarks(ctx context.Context, from roster.Remarks) []remark {
	out := []remark{}
	for _, f := range from.List {
		out = append(out, remark{f.Source, f.Line, p.o.Text(requestOf(ctx).language, f.Key, f.Args...)})
	}
	return out
}
