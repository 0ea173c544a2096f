// Package topic holds topic names, topic filters, the subscription tree and the retained tree.
package topic
