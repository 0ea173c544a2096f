package admin

import (
	"encoding/json"
	"maps"
	"net/http"
	"strconv"
	"strings"
)

// The answers of commands that are older than the operations keep their shape: scripts rely on it. These functions make
// it of what the API answers.

// thing is an answer that is one thing.
func thingOf(answer any) map[string]any {
	of, _ := answer.(map[string]any)
	return of
}

// eachOf changes the thing, or each of a list of them.
func eachOf(answer any, change func(map[string]any)) any {
	of := thingOf(answer)
	list, ok := of["items"].([]any)
	if !ok && of != nil {
		change(of)
	}
	for _, one := range list {
		change(thingOf(one))
	}
	return answer
}

// accountAsBefore has role and e-mail, or the name of a team, and suspended as the reason.
func accountAsBefore(k *call, answer any) (any, error) {
	return eachOf(answer, func(a map[string]any) {
		a["role"] = a["kind"]
		if !k.json {
			a["title"] = a["name"]
		}
		if a["email"] = ""; a["kind"] != "team" {
			a["email"] = a["name"]
			delete(a, "name")
		}
		if why := plain(thingOf(a["suspended"])["why"]); why != "" || !k.json {
			a["suspended"] = why
		}
		if plain(a["instance_limit"]) == "0" && k.json {
			delete(a, "instance_limit")
		}
	}), nil
}

// withPassword adds the first user's password to an instance that was made.
func withPassword(k *call, answer any) (any, error) {
	in := thingOf(answer)
	q := request{method: http.MethodPost, path: path("instances", plain(in["id"]), "password", "reveal")}
	if err := q.takes(fields{"password": ""}); err != nil {
		return nil, err
	}
	secret, _, err := k.client.askJSON(k.ctx, q)
	if err != nil {
		return nil, err
	}
	in["password"] = thingOf(secret)["password"]
	return in, nil
}

// withInstance adds the instance to an answer about it.
func withInstance(k *call, answer any) (any, error) {
	if !k.json {
		return answer, nil
	}
	in, _, err := k.client.askJSON(k.ctx, request{method: http.MethodGet, path: path("instances", k.args[0])})
	if err != nil {
		return nil, err
	}
	all := thingOf(in)
	maps.Copy(all, thingOf(answer))
	return all, nil
}

// numberedNext has next as a number, and not on the last page.
func numberedNext(_ *call, answer any) (any, error) {
	of := thingOf(answer)
	if next := plain(of["next"]); next == "" {
		delete(of, "next")
	} else {
		of["next"] = json.Number(next)
	}
	list, _ := of["items"].([]any)
	of["total"] = len(list)
	return of, nil
}

// countedSubscriptions has their number in a table.
func countedSubscriptions(k *call, answer any) (any, error) {
	if k.json {
		return answer, nil
	}
	return eachOf(answer, func(client map[string]any) {
		list, _ := client["subscriptions"].([]any)
		client["subscriptions"] = json.Number(strconv.Itoa(len(list)))
	}), nil
}

// userForAll has "" as the user of a rule for all.
func userForAll(k *call, answer any) (any, error) {
	return eachOf(answer, func(rule map[string]any) {
		if rule["user"] == nil {
			if rule["user"] = ""; !k.json {
				rule["user"] = "(all)"
			}
		}
	}), nil
}

// hookAsBefore has the state of a hook as words of its own, and in a table what it does.
func hookAsBefore(k *call, answer any) (any, error) {
	return eachOf(answer, func(h map[string]any) {
		state := thingOf(h["state"])
		h["state"], h["queued"] = state["state"], state["queued"]
		if why := plain(state["last_error"]); why != "" {
			h["last_error"] = why
		}
		if k.json {
			return
		}
		h["on"] = strings.TrimSpace(plain(h["events"]) + " " + plain(h["filter"]) + plain(h["schedule"]))
		to := map[string]string{"post": "url", "publish": "topic", "mail": "mail_to"}[plain(h["action"])]
		h["does"] = plain(h["action"]) + " " + plain(h[to])
	}), nil
}

// numberedID has ids as numbers.
func numberedID(_ *call, answer any) (any, error) {
	return eachOf(answer, func(of map[string]any) { of["id"] = json.Number(plain(of["id"])) }), nil
}
