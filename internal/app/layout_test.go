package app

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// layout says which packages of ours each package may import; ARCHITECTURE.md shows the same map. "data types" of a
// store are the packages whose interfaces it fulfils.
var layout = map[string]string{
	"cmd/tsunagi":                   "internal/app",
	"internal/config":               "",
	"internal/backup":               "internal/ondisk",
	"internal/ondisk":               "",
	"internal/mqtt":                 "",
	"internal/topic":                "",
	"internal/roster":               "",
	"internal/filling":              "",
	"internal/fault":                "internal/outside",
	"internal/timetable":            "",
	"internal/account":              "internal/topic internal/filling internal/timetable internal/cert internal/jwt internal/ondisk internal/roster",
	"internal/broker":               "internal/mqtt internal/topic",
	"internal/gate":                 "internal/broker internal/mqtt",
	"internal/mqttclient":           "internal/mqtt",
	"internal/resident":             "internal/broker internal/fault internal/mqtt",
	"internal/bridge":               "internal/broker internal/fault internal/mqtt internal/mqttclient internal/resident internal/topic",
	"internal/history":              "internal/account internal/broker internal/fault internal/mqtt internal/resident internal/topic",
	"internal/hook":                 "internal/account internal/broker internal/fault internal/filling internal/mqtt internal/resident internal/timetable internal/topic",
	"internal/cli":                  "internal/mqttclient internal/mqtt internal/topic",
	"internal/bench":                "internal/mqtt internal/mqttclient internal/procfs",
	"internal/flow/value":           "",
	"internal/flow":                 "internal/flow/moment internal/flow/value",
	"internal/flow/jsonata":         "internal/flow/value",
	"internal/flow/moment":          "internal/flow/value",
	"internal/flow/flowtest":        "internal/flow internal/flow/value internal/flow/nodes internal/flow/nodes/*",
	"internal/flow/script":          "internal/flow/value",
	"internal/flow/nodes":           "internal/flow internal/flow/nodes/*",
	"internal/flow/nodes/*":         "internal/flow internal/flow/value internal/flow/script internal/flow/jsonata internal/flow/moment internal/mqttclient internal/mqtt internal/timetable internal/flow/nodes/*",
	"internal/editor":               "internal/flow internal/markup internal/ondisk web web/editor/packfile",
	"internal/billing":              "internal/account",
	"internal/parcel":               "internal/account internal/roster internal/topic",
	"internal/panel":                "internal/account internal/billing internal/broker internal/fault internal/markup internal/metrics internal/parcel internal/roster internal/stats internal/topic web",
	"internal/trust":                "",
	"internal/metrics":              "internal/procfs",
	"internal/front":                "",
	"internal/takeover":             "internal/config internal/editor internal/flow internal/flow/value internal/flow/script",
	"internal/hosted":               "internal/account internal/notice internal/outside internal/procfs",
	"internal/notice":               "internal/markup",
	"internal/markup":               "",
	"internal/procfs":               "",
	"internal/link":                 "internal/account internal/notice internal/ondisk",
	"internal/home":                 "internal/markup internal/ondisk internal/procfs internal/release",
	"internal/release":              "internal/ondisk",
	"internal/outside":              "",
	"internal/jwt":                  "",
	"internal/jwks":                 "internal/jwt",
	"internal/mail":                 "internal/account",
	"internal/passkey":              "internal/account",
	"internal/oidc":                 "internal/account",
	"internal/oidc/oidctest":        "",
	"internal/passkey/softkey":      "",
	"internal/stats":                "",
	"internal/admin":                "internal/account internal/roster",
	"internal/store/rows":           "internal/account internal/broker internal/stats",
	"internal/store/sqlite":         "internal/account internal/broker internal/ondisk internal/stats internal/store/rows",
	"internal/store/sqlitetest":     "internal/store/sqlite",
	"internal/store/postgres":       "internal/account internal/broker internal/stats internal/store/rows",
	"internal/store/pgtest":         "",
	"internal/store/storetest":      "internal/account internal/broker internal/stats",
	"internal/cert":                 "internal/ondisk",
	"internal/cert/acmetest":        "",
	"internal/dns01":                "",
	"internal/dns01/dnstest":        "",
	"web":                           "",
	"web/editor/pack":               "web/editor/packfile",
	"web/editor/packfile":           "",
	"conformance":                   "internal/mqtt",
	"deploy":                        "",
	"internal/app/notices":          "",
	"internal/app":                  "*",
	"e2e":                           "internal/app",
	"internal/bench/compare":        "internal/bench",
	"internal/bench/flowbench":      "internal/mqtt internal/procfs",
	"internal/bench/fill":           "internal/account internal/store/sqlite",
	"internal/store/sqlite/torture": "internal/account internal/broker internal/store/sqlite",
}

func TestImportsPointOneWay(t *testing.T) {
	out, err := exec.Command("go", "list", "-tags", "no_ui", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "tsunagi/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		fields := strings.Fields(line)
		pkg := strings.TrimPrefix(fields[0], "tsunagi/")
		allowed, ok := allowedFor(pkg)
		if !ok {
			t.Errorf("package %s stands in no line of the map: give it a purpose there and in ARCHITECTURE.md", pkg)
			continue
		}
		for _, imported := range fields[1:] {
			imported, ours := strings.CutPrefix(imported, "tsunagi/")
			if ours && !slices.ContainsFunc(allowed, func(a string) bool { return covers(a, imported) }) {
				t.Errorf("%s imports %s; the map allows it only %q", pkg, imported, allowed)
			}
		}
	}
}

func TestLivingRoomsKnowNoOutside(t *testing.T) {
	rooms := []string{"mqtt", "topic", "broker", "account", "flow"}
	for _, room := range rooms {
		out, err := exec.Command("go", "list", "-f", `{{join .Imports " "}}`, "tsunagi/internal/"+room).Output()
		if err != nil {
			t.Fatal(err)
		}
		for _, imported := range strings.Fields(string(out)) {
			if slices.Contains([]string{"net", "net/http", "database/sql"}, imported) && !(room == "flow" && imported == "net") {
				t.Errorf("%s imports %s: declare a small interface, and app hands it in", room, imported)
			}
		}
	}
}

// TestMethodsCanBeLeftOut keeps Go's templates out of our packages: they call methods by names known at run time only, and
// one such call makes the linker keep every exported method of the program, which is two megabytes. Use markup.
func TestMethodsCanBeLeftOut(t *testing.T) {
	out, err := exec.Command("go", "list", "-tags", "no_ui", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "tsunagi/internal/...", "tsunagi/web").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		fields := strings.Fields(line)
		if slices.Contains(fields[1:], "text/template") || slices.Contains(fields[1:], "html/template") {
			t.Errorf("%s imports a template package: fill shapes of package markup instead", fields[0])
		}
	}
}

// allowedFor finds the line of the map for a package, the exact one first.
func allowedFor(pkg string) ([]string, bool) {
	if a, ok := layout[pkg]; ok {
		return strings.Fields(a), true
	}
	for pattern, a := range layout {
		if strings.HasSuffix(pattern, "/*") && covers(pattern, pkg) {
			return strings.Fields(a), true
		}
	}
	return nil, false
}

func covers(pattern, pkg string) bool {
	if pattern == "*" || pattern == pkg {
		return true
	}
	prefix, ok := strings.CutSuffix(pattern, "*")
	return ok && strings.HasPrefix(pkg, prefix)
}
