package admin

import (
	"errors"
	"slices"
)

// operations is the table of all commands that are calls of the API.
func operations() []operation {
	return slices.Concat(instanceOps(), userOps(), linkOps(), flowOps(), peopleOps())
}

// handmade are operations of the API whose command is not in that table, and why.
var handmade = map[string]string{
	"GET /instances/INSTANCE/connections":    "connection list: it asks for the sessions of those who are connected, which tell more",
	"POST /instances/INSTANCE/publish/batch": "message batch: it sends a file in lots",
	"GET /instances/INSTANCE/history":        "history list",
	"PATCH /instances/INSTANCE/history":      "history on, history off: they change one of the choices",
	"GET /instances/INSTANCE/history/csv":    "history export: without a bound of rows",
	"POST /instances/INSTANCE/import":        "user import: it reads files that name others",
	"POST /instances/INSTANCE/export":        "instance export: to a file that has its name when it is whole",
	"POST /instances/INSTANCE/restore":       "instance import",
}

// pushFails tells of devices that did not take a snapshot.
func pushFails(answer map[string]any) error {
	list, _ := answer["items"].([]any)
	for _, one := range list {
		if thingOf(one)["ok"] != true {
			return errors.New("not every device has taken it")
		}
	}
	return nil
}
