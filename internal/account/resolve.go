package account

import "strings"

// Where is what a connection says about the instance that it means, before its password is looked at.
type Where struct {
	Host string // TLS server name, else the Host header, without port; "" for none
	Path string // path of a WebSocket; "" for none
	User string // MQTT user name as sent
}

// Resolve says which instance and which of its users a connection means, in this order: the host
// <instance>.<domain>, or a proven name of the customer's own; the path /mqtt/<instance>; a user name <instance>:<user>; a user name that is the instance's
// id alone, which is its first user. The instance is "" where none of them tells one; it need not exist.
//
// Where host or path tells the instance, the prefix "<instance>:" of the same instance may still stand before the
// user. User names never begin with an id and a colon (see checkUserName), so that nothing is cut by mistake.
func (d *Directory) Resolve(w Where) (instance, user string) {
	host := strings.ToLower(strings.TrimSuffix(w.Host, "."))
	if id, ok := strings.CutSuffix(host, "."+d.o.Domain); ok && d.o.Domain != "" && ValidInstanceID(id) {
		instance = id
	} else if own := d.hosts.instance(host); own != "" {
		instance = own
	} else if id, ok := strings.CutPrefix(w.Path, "/mqtt/"); ok && ValidInstanceID(id) {
		instance = id
	}
	if id, rest, ok := strings.Cut(w.User, ":"); ok && ValidInstanceID(id) && (instance == "" || instance == id) {
		return id, rest
	}
	if instance == "" && ValidInstanceID(w.User) {
		return w.User, w.User
	}
	return instance, w.User
}
