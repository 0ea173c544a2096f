package panel_test

import (
	"net/http"
	"testing"
)

// TestPathsAreNotMended sends paths whose parts would lead to another operation if they were put right: whoever ends the
// session of a client that calls itself ".." must not delete the instance.
func TestPathsAreNotMended(t *testing.T) {
	w := newWorld(t)
	b := w.owner()
	id := b.instance()
	at := "/api/v1/instances/" + id
	for _, path := range []string{at + "/sessions/..", at + "/users/..", at + "/rules/..", at + "/x/../../" + id, at + "/./.", "/api/v1/instances//" + id, at + "/", "/api//v1/instances/" + id} {
		b.refused(http.MethodDelete, path, nil, 404, "not_found")
		w.fromInside(http.MethodDelete, path, "", nil, nil, 404)
	}
	b.want(http.MethodGet, at, nil, 200, nil)
	b.refused(http.MethodDelete, at+"/users/%2E%2E", nil, 404, "not_found") // a user of that name, whom there is not
	b.want(http.MethodDelete, at+"/connections/%2E%2E", nil, 404, nil)      // nor a client
	b.want(http.MethodGet, at, nil, 200, nil)
}
