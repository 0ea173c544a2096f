package panel_test

import "testing"

// TestListedInstances checks that a list of instances says how many are connected, without a request for each.
func TestListedInstances(t *testing.T) {
	w := newWorld(t)
	b := w.owner()
	b.want("POST", "/api/v1/instances", `{"name":"x"}`, 201, nil)
	var list struct {
		Items []struct {
			Connections int
			Limit       int `json:"connection_limit"`
		}
	}
	b.want("GET", "/api/v1/instances", "", 200, &list)
	if len(list.Items) == 0 || list.Items[0].Connections != 3 || list.Items[0].Limit == 0 {
		t.Errorf("%+v", list)
	}
}
