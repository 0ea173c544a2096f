package admin

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"tsunagi/internal/account"
	"tsunagi/internal/roster"
)

// importMax bounds the body of an import, in bytes: what roster takes, as JSON.
const importMax = 8 << 20

type importWish struct {
	Files                            roster.Files
	DryRun, KeepExisting, SkipFaults bool
}

type importedShape struct {
	Name     string `json:"name"`
	Connect  bool   `json:"connect"`
	From     string `json:"from"`               // hash, given, generated
	Password string `json:"password,omitempty"` // where it was generated
}

type remarkShape struct {
	Source  string `json:"source"`
	Line    int    `json:"line"`
	Message string `json:"message"`
}

type importShape struct {
	Applied   bool            `json:"applied"`
	Users     []importedShape `json:"users"`
	Kept      int             `json:"kept"`
	Rules     []string        `json:"rules"`
	SameRules int             `json:"same_rules"`
	Faults    int             `json:"faults"`
	FaultList []remarkShape   `json:"fault_list"`
	NoteList  []remarkShape   `json:"note_list"`
}

func importFlags(f *pflag.FlagSet) {
	f.String("conf", "", "mosquitto.conf; its password_file and acl_file are read, too")
	f.String("passwords", "", "password file of Mosquitto; the passwords go on working")
	f.String("acl", "", "ACL file of Mosquitto")
	f.String("csv", "", "file with rows of name, password, connect, rules")
	f.String("cloudmqtt", "", "JSON file with users and acls as CloudMQTT's API answers them")
	f.Bool("dry-run", false, "only tell what would happen")
	f.Bool("keep-existing", false, "users that are there already stay as they are; else they are faults")
	f.Bool("skip-faults", false, "take the rest where lines can't be taken; else nothing is changed")
}

func importUsers(k *call) error {
	files, err := k.rosterFiles()
	if err != nil {
		return err
	}
	wish := importWish{files, k.on("dry-run"), k.on("keep-existing"), k.on("skip-faults")}
	var done importShape
	if err := k.client.call(k.ctx, http.MethodPost, path("instances", k.args[0], "import"), wish, &done); err != nil {
		return err
	}
	rows := []string{row("new users", len(done.Users)), row("users that stay", done.Kept), row("new rules", len(done.Rules)), row("rules there already", done.SameRules)}
	for _, u := range done.Users {
		if u.Password != "" {
			rows = append(rows, row("password of "+u.Name, u.Password))
		}
	}
	for _, f := range done.NoteList {
		rows = append(rows, row("left out", fmt.Sprintf("%s:%d: %s", f.Source, f.Line, f.Message)))
	}
	for _, f := range done.FaultList {
		rows = append(rows, row("fault", fmt.Sprintf("%s:%d: %s", f.Source, f.Line, f.Message)))
	}
	if err := k.print(done, rows...); err != nil {
		return err
	}
	if !wish.DryRun && !done.Applied {
		return fmt.Errorf("nothing was changed: %d lines can't be taken; mend them, or leave them out with --skip-faults", done.Faults)
	}
	return nil
}

// rosterFiles reads the files that the flags name, and those that mosquitto.conf names besides.
func (k *call) rosterFiles() (f roster.Files, err error) {
	names := map[string]string{}
	for _, kind := range []string{"conf", "passwords", "acl", "csv", "cloudmqtt"} {
		names[kind] = k.text(kind)
	}
	read := func(kind string, into *string) {
		if err == nil && names[kind] != "" {
			var raw []byte
			raw, err = os.ReadFile(names[kind])
			*into = string(raw)
		}
	}
	read("conf", &f.Conf)
	for kind, word := range map[string]string{"passwords": "password_file", "acl": "acl_file"} {
		for line := range strings.SplitSeq(f.Conf, "\n") {
			if name, value, _ := strings.Cut(strings.TrimSpace(line), " "); name == word && names[kind] == "" {
				names[kind] = strings.TrimSpace(value)
				if !filepath.IsAbs(names[kind]) {
					names[kind] = filepath.Join(filepath.Dir(names["conf"]), names[kind])
				}
			}
		}
	}
	read("passwords", &f.Passwords)
	read("acl", &f.ACL)
	read("csv", &f.CSV)
	read("cloudmqtt", &f.CloudMQTT)
	if err == nil && f == (roster.Files{}) {
		err = &usageError{"want --conf, --passwords, --acl, --csv or --cloudmqtt"}
	}
	return f, err
}

func (s *Server) importUsers(r *http.Request) (any, error) {
	in, err := decode[importWish](r)
	if err != nil {
		return nil, err
	}
	report, err := s.accounts.Import(r.Context(), actor(), r.PathValue("id"), roster.Read(in.Files),
		account.ImportWish{DryRun: in.DryRun, KeepExisting: in.KeepExisting, SkipFaults: in.SkipFaults})
	if err != nil {
		return nil, err
	}
	out := importShape{Applied: report.Applied, Users: []importedShape{}, Kept: report.Kept, Rules: []string{}, SameRules: report.Same,
		Faults: report.Faults.Total, FaultList: s.remarks(report.Faults), NoteList: s.remarks(report.Notes)}
	for _, u := range report.Users {
		out.Users = append(out.Users, importedShape{u.Name, u.Connect, u.Password, report.Generated[u.Name]})
	}
	for _, n := range report.Rules {
		out.Rules = append(out.Rules, strings.TrimSpace(strings.Join([]string{string(n.Effect), string(n.Access), n.Filter, n.User}, " ")))
	}
	return out, nil
}

func (s *Server) remarks(from roster.Remarks) []remarkShape {
	out := []remarkShape{}
	for _, f := range from.List {
		out = append(out, remarkShape{f.Source, f.Line, s.text("en", f.Key, f.Args...)})
	}
	return out
}
