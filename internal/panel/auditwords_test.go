package panel_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// auditing are the methods that note an action, each with the place of the action among its arguments.
var auditing = map[string]int{"audit": 2, "AuditInstance": 3, "AuditDevice": 3, "AuditFlowServer": 3}

// TestActionsHaveWords walks the server's code for the actions that it notes: each must have words in both languages,
// which the page of the audit knows, and there are no words for others.
func TestActionsHaveWords(t *testing.T) {
	actions := map[string]string{} // with where they are noted
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
			actionsOf(t, path, actions)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../web/panel/audit/actions.ts")
	if err != nil {
		t.Fatal(err)
	}
	en, ja := catalogue(t, "en"), catalogue(t, "ja")
	words := map[string]bool{}
	for _, action := range slices.Sorted(maps.Keys(actions)) {
		key := "audit.did_" + strings.ReplaceAll(action, ".", "_")
		if words[key] = true; en[key] == "" || ja[key] == "" || !strings.Contains(string(page), "'"+key+"'") {
			t.Errorf("%s notes %s: it has no words, add %s to both catalogues and to web/panel/audit/actions.ts", actions[action], action, key)
		}
	}
	for key := range en {
		if strings.HasPrefix(key, "audit.did_") && !words[key] {
			t.Errorf("%s: nothing notes that", key)
		}
	}
	if len(actions) < 90 {
		t.Errorf("only %d actions were found: %v", len(actions), slices.Sorted(maps.Keys(actions)))
	}
}

var actionCode = regexp.MustCompile(`^[a-z_]+(\.[a-z_]+)+$`)

// actionsOf adds the actions that a file notes. Where one is no constant it comes from a function's first result.
func actionsOf(t *testing.T, path string, into map[string]string) {
	t.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	found := func(e ast.Expr) bool {
		lit, ok := e.(*ast.BasicLit)
		if !ok || lit.Kind != token.STRING {
			return false
		}
		if s, err := strconv.Unquote(lit.Value); err == nil && actionCode.MatchString(s) {
			into[s] = fset.Position(lit.Pos()).String()
			return true
		}
		return false
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			method, ok := n.Fun.(*ast.SelectorExpr)
			if !ok || auditing[method.Sel.Name] == 0 || len(n.Args) <= auditing[method.Sel.Name] {
				return true
			}
			action := n.Args[auditing[method.Sel.Name]]
			if name, ok := action.(*ast.Ident); !found(action) && (!ok || name.Name != "action") {
				t.Errorf("%s: an action that this test can't read", fset.Position(n.Pos()))
			}
		case *ast.ReturnStmt:
			if len(n.Results) > 1 && file.Name.Name == "account" {
				found(n.Results[0])
			}
		}
		return true
	})
}
