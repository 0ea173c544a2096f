package dns01

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// cloudflare speaks the API of Cloudflare; the token needs Zone:Read and DNS:Edit.
type cloudflare struct {
	api
	zone string
}

type cloudflareList struct {
	Result []struct {
		ID string `json:"id"`
	} `json:"result"`
}

func (c cloudflare) zoneID(ctx context.Context, name string) (string, error) {
	candidates := parents(name)
	if c.zone != "" {
		candidates = []string{c.zone}
	}
	for _, zone := range candidates {
		var found cloudflareList
		if err := c.call(ctx, http.MethodGet, "/zones?name="+url.QueryEscape(zone), nil, &found); err != nil {
			return "", err
		}
		if len(found.Result) > 0 {
			return url.PathEscape(found.Result[0].ID), nil
		}
	}
	return "", fmt.Errorf("the token sees no zone for %s", name)
}

func (c cloudflare) set(ctx context.Context, name, value string) error {
	zone, err := c.zoneID(ctx, name)
	if err != nil {
		return err
	}
	return c.call(ctx, http.MethodPost, "/zones/"+zone+"/dns_records",
		map[string]any{"type": "TXT", "name": name, "content": quoted(value), "ttl": recordLife}, nil)
}

func (c cloudflare) remove(ctx context.Context, name, value string) error {
	zone, err := c.zoneID(ctx, name)
	if err != nil {
		return err
	}
	var found cloudflareList
	q := url.Values{"type": {"TXT"}, "name": {name}, "content": {quoted(value)}}
	if err := c.call(ctx, http.MethodGet, "/zones/"+zone+"/dns_records?"+q.Encode(), nil, &found); err != nil {
		return err
	}
	for _, r := range found.Result {
		if err := c.call(ctx, http.MethodDelete, "/zones/"+zone+"/dns_records/"+url.PathEscape(r.ID), nil, nil); err != nil {
			return err
		}
	}
	return nil
}

func quoted(value string) string { return `"` + value + `"` }

// desec speaks the API of deSEC. It knows record sets only, so that a change is read, changed and written.
type desec struct {
	api
	zone string
}

var desecTurn sync.Mutex // two values of one name may be set at once

type recordSet struct {
	SubName string   `json:"subname"`
	Type    string   `json:"type"`
	TTL     int      `json:"ttl"`
	Records []string `json:"records"`
}

func (d desec) set(ctx context.Context, name, value string) error {
	return d.change(ctx, name, func(r []string) []string { return append(slices.DeleteFunc(r, is(value)), quoted(value)) })
}

func (d desec) remove(ctx context.Context, name, value string) error {
	return d.change(ctx, name, func(r []string) []string { return slices.DeleteFunc(r, is(value)) })
}

func is(value string) func(string) bool { return func(r string) bool { return r == quoted(value) } }

func (d desec) change(ctx context.Context, name string, f func([]string) []string) error {
	desecTurn.Lock()
	defer desecTurn.Unlock()
	zone := d.zone
	if zone == "" {
		var list []struct{ Name string }
		if err := d.call(ctx, http.MethodGet, "/domains/?owns_qname="+url.QueryEscape(name), nil, &list); err != nil {
			return err
		}
		if len(list) == 0 {
			return fmt.Errorf("the token sees no zone for %s", name)
		}
		zone = list[0].Name
	}
	sub, below := strings.CutSuffix(name, "."+zone)
	if !below {
		return fmt.Errorf("dns.zone %q does not hold %s", zone, name)
	}
	sets := "/domains/" + url.PathEscape(zone) + "/rrsets/"
	set := recordSet{SubName: sub, Type: "TXT", TTL: 3600} // least that deSEC takes
	var status *errStatus
	err := d.call(ctx, http.MethodGet, sets+url.PathEscape(sub)+"/TXT/", nil, &set)
	if err != nil && !(errors.As(err, &status) && status.status == http.StatusNotFound) {
		return err
	}
	set.Records = f(set.Records)
	return d.call(ctx, http.MethodPut, sets, []recordSet{set}, nil)
}

// duckdns speaks the API of Duck DNS, where a domain has one TXT record for all names below it.
type duckdns struct {
	api
	token string
}

func (d duckdns) set(ctx context.Context, name, value string) error {
	return d.update(ctx, name, url.Values{"txt": {value}})
}

func (d duckdns) remove(ctx context.Context, name, value string) error {
	return d.update(ctx, name, url.Values{"txt": {value}, "clear": {"true"}})
}

func (d duckdns) update(ctx context.Context, name string, q url.Values) error {
	rest, ours := strings.CutSuffix(name, ".duckdns.org")
	if !ours {
		return fmt.Errorf("%s is no name of Duck DNS", name)
	}
	q.Set("domains", rest[strings.LastIndexByte(rest, '.')+1:])
	q.Set("token", d.token)
	raw, err := d.send(ctx, http.MethodGet, "/update?"+q.Encode(), nil)
	if err == nil && !strings.HasPrefix(string(raw), "OK") {
		err = errors.New("Duck DNS said no: look at dns.token and the domain")
	}
	return err
}
