package dns01

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// route53 speaks the REST API of Amazon Route 53, version 2013-04-01. The access key needs ListHostedZonesByName,
// ListResourceRecordSets and ChangeResourceRecordSets. A record set is read, changed and written.
type route53 struct {
	base string
	key  accessKey
	zone string
}

const route53Version = "/2013-04-01"

var route53Turn sync.Mutex // two values of one name may be set at once

type route53Zones struct {
	Zones []struct {
		ID      string `xml:"Id"` // "/hostedzone/" and the id
		Name    string // with a dot at its end
		Private bool   `xml:"Config>PrivateZone"`
	} `xml:"HostedZones>HostedZone"`
}

type route53Set struct {
	Name   string
	Type   string
	TTL    int
	Values []route53Value `xml:"ResourceRecords>ResourceRecord"`
}

type route53Value struct{ Value string } // in quotes

type route53Sets struct {
	Sets []route53Set `xml:"ResourceRecordSets>ResourceRecordSet"`
}

type route53Change struct {
	XMLName xml.Name   `xml:"https://route53.amazonaws.com/doc/2013-04-01/ ChangeResourceRecordSetsRequest"`
	Action  string     `xml:"ChangeBatch>Changes>Change>Action"`
	Set     route53Set `xml:"ChangeBatch>Changes>Change>ResourceRecordSet"`
}

func (a route53) set(ctx context.Context, name, value string) error {
	v := route53Value{quoted(value)}
	return a.change(ctx, name, func(values []route53Value) []route53Value {
		if slices.Contains(values, v) {
			return values
		}
		return append(values, v)
	})
}

func (a route53) remove(ctx context.Context, name, value string) error {
	v := route53Value{quoted(value)}
	return a.change(ctx, name, func(values []route53Value) []route53Value {
		return slices.DeleteFunc(values, func(other route53Value) bool { return other == v })
	})
}

// change has f change the values of a name. A set without values can't be written: the one that is there is deleted.
func (a route53) change(ctx context.Context, name string, f func([]route53Value) []route53Value) error {
	route53Turn.Lock()
	defer route53Turn.Unlock()
	zone, err := a.zoneID(ctx, name)
	if err != nil {
		return err
	}
	path := route53Version + "/hostedzone/" + url.PathEscape(zone) + "/rrset"
	var found route53Sets
	q := url.Values{"name": {name + "."}, "type": {"TXT"}, "maxitems": {"1"}}
	if err := a.call(ctx, http.MethodGet, path+"?"+q.Encode(), nil, &found); err != nil {
		return err
	}
	had := route53Set{Name: name + ".", Type: "TXT", TTL: recordLife}
	if len(found.Sets) > 0 && found.Sets[0].Name == had.Name && found.Sets[0].Type == "TXT" {
		had = found.Sets[0]
	}
	wants := had
	wants.Values = f(slices.Clone(had.Values))
	switch {
	case len(wants.Values) > 0:
		return a.call(ctx, http.MethodPost, path, route53Change{Action: "UPSERT", Set: wants}, nil)
	case len(had.Values) > 0:
		return a.call(ctx, http.MethodPost, path, route53Change{Action: "DELETE", Set: had}, nil)
	}
	return nil
}

// zoneID finds the public zone that holds a name.
func (a route53) zoneID(ctx context.Context, name string) (string, error) {
	zones := parents(name)
	if a.zone != "" {
		zones = []string{a.zone}
	}
	for _, zone := range zones {
		var found route53Zones // those from the name on, in the order of names
		if err := a.call(ctx, http.MethodGet, route53Version+"/hostedzonesbyname?dnsname="+url.QueryEscape(zone), nil, &found); err != nil {
			return "", err
		}
		for _, z := range found.Zones {
			if z.Name == zone+"." && !z.Private {
				return strings.TrimPrefix(z.ID, "/hostedzone/"), nil
			}
		}
	}
	return "", fmt.Errorf("the access key sees no public zone for %s", name)
}

// call sends a signed request and reads XML into out, unless that is nil.
func (a route53) call(ctx context.Context, method, path string, in, out any) error {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	var body []byte
	if in != nil {
		var err error
		if body, err = xml.Marshal(in); err != nil {
			return err
		}
	}
	r, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(a.base, "/")+path, bytes.NewReader(body))
	if err != nil {
		return errors.New("dns.url is no address")
	}
	if in != nil {
		r.Header.Set("Content-Type", "text/xml")
	}
	a.key.sign(r, body, time.Now())
	raw, err := exchange(r)
	if err != nil || out == nil {
		return err
	}
	if err := xml.Unmarshal(raw, out); err != nil {
		return fmt.Errorf("answer of the DNS service: %w", err)
	}
	return nil
}
