// Package moment is what flows know as moment.js: the dates of JSONata's $moment, and the formats of the inject node's
// timestamps. It follows moment 2.30 and moment-timezone, down to their view of overflows and unreadable texts, in
// English and Japanese. Eras are not there; other locales are refused by name.
package moment
