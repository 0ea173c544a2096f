package broker

import "tsunagi/internal/mqtt"

// Expel ends the connection for a reason that a 5.0 client is told, in words: the gate does it to a client that was
// silent for too long.
func (c *Client) Expel(r mqtt.Reason, words string) { c.expel(r, words) }
