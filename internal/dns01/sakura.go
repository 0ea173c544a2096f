package dns01

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// sakura speaks the API of Sakura Cloud, whose DNS appliances are items that hold all records of a zone: a change is read,
// changed and written. The login is an API key's token and secret.
type sakura struct {
	api
	zone string
}

var sakuraTurn sync.Mutex // two values of one name may be set at once

type sakuraRecord struct {
	Name  string `json:"Name"` // below the zone
	Type  string `json:"Type"`
	RData string `json:"RData"`
	TTL   int    `json:"TTL,omitempty"`
}

type sakuraItem struct {
	ID       string `json:"ID,omitempty"`
	Name     string `json:"Name,omitempty"`
	Settings struct {
		DNS struct {
			ResourceRecordSets []sakuraRecord `json:"ResourceRecordSets"`
		} `json:"DNS"`
	} `json:"Settings"`
	Status *struct{ Zone string } `json:"Status,omitempty"`
}

func (s sakura) set(ctx context.Context, name, value string) error {
	return s.change(ctx, name, func(list []sakuraRecord, r sakuraRecord) []sakuraRecord {
		r.RData, r.TTL = value, recordLife
		return append(slices.DeleteFunc(list, r.same), r)
	})
}

func (s sakura) remove(ctx context.Context, name, value string) error {
	return s.change(ctx, name, func(list []sakuraRecord, r sakuraRecord) []sakuraRecord {
		r.RData = value
		return slices.DeleteFunc(list, r.same)
	})
}

func (r sakuraRecord) same(other sakuraRecord) bool {
	return r.Name == other.Name && r.Type == other.Type && r.RData == strings.Trim(other.RData, `"`)
}

// change has f change the records of the zone that holds name.
func (s sakura) change(ctx context.Context, name string, f func([]sakuraRecord, sakuraRecord) []sakuraRecord) error {
	sakuraTurn.Lock()
	defer sakuraTurn.Unlock()
	var found struct {
		CommonServiceItems []sakuraItem `json:"CommonServiceItems"`
	}
	const path = "/commonserviceitem"
	if err := s.call(ctx, http.MethodGet, path+"?"+url.PathEscape(`{"Count":1000,"Filter":{"Provider.Class":"dns"}}`), nil, &found); err != nil {
		return err
	}
	zones := parents(name)
	if s.zone != "" {
		zones = []string{s.zone}
	}
	for _, zone := range zones {
		for _, item := range found.CommonServiceItems {
			if item.Name != zone && (item.Status == nil || item.Status.Zone != zone) {
				continue
			}
			sub, below := strings.CutSuffix(name, "."+zone)
			if !below {
				return fmt.Errorf("dns.zone %q does not hold %s", zone, name)
			}
			var change struct {
				CommonServiceItem sakuraItem `json:"CommonServiceItem"`
			}
			records := item.Settings.DNS.ResourceRecordSets
			change.CommonServiceItem.Settings.DNS.ResourceRecordSets = f(records, sakuraRecord{Name: sub, Type: "TXT"})
			return s.call(ctx, http.MethodPut, path+"/"+url.PathEscape(item.ID), change, nil)
		}
	}
	return fmt.Errorf("the API key sees no zone for %s", name)
}
