package account

import (
	"net/mail"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"tsunagi/internal/topic"
)

// WebUser is the MQTT user name under which the panel's web client logs in with a minted token.
const WebUser = "web-client"

var (
	instanceID = regexp.MustCompile(`^[a-z]{8}$`)
	prefixed   = regexp.MustCompile(`^[a-z]{8}:`)
	label      = regexp.MustCompile(`^[a-z]([a-z0-9-]{0,30}[a-z0-9])?$`)
)

// reservedLabels are names of flow servers that would be taken for something else.
var reservedLabels = map[string]bool{
	"admin": true, "api": true, "app": true, "auth": true, "cdn": true, "docs": true, "edit": true, "editor": true,
	"flow": true, "flows": true, "ftp": true, "help": true, "imap": true, "localhost": true, "login": true, "mail": true,
	"mqtt": true, "mqtts": true, "ns": true, "panel": true, "pop": true, "root": true, "smtp": true, "static": true,
	"status": true, "support": true, "tsunagi": true, "wpad": true, "ws": true, "wss": true, "www": true,
}

// ValidInstanceID says whether s has the form of an instance id: 8 lower-case letters.
func ValidInstanceID(s string) bool { return instanceID.MatchString(s) }

// ValidLabel says whether s can name a flow server: a DNS label of at most 32 bytes that begins with a letter, isn't
// reserved and can't be taken for an editor ("edit-…") or for an encoded international name ("ab--…").
func ValidLabel(s string) bool {
	return label.MatchString(s) && !reservedLabels[s] && !strings.HasPrefix(s, "edit-") && !strings.Contains(s, "--")
}

// normalEmail trims and lowers an e-mail address and judges its form; whether it can be reached only a mail tells.
func normalEmail(s string) (string, error) {
	s = strings.ToLower(strings.TrimSpace(s))
	a, err := mail.ParseAddress(s)
	if err != nil || a.Address != s || a.Name != "" || len(s) > 254 || !plainText(s) {
		return "", invalid("email", "api.email")
	}
	return s, nil
}

// plainText says whether s is valid UTF-8 that can be shown: no control characters, nothing that turns the direction
// of the text around it.
func plainText(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' || r == unicode.ReplacementChar
	})
}

// seen says whether a character leaves something to be seen. Some letters and signs are blank by their nature.
func seen(r rune) bool {
	return unicode.IsGraphic(r) && !unicode.IsSpace(r) && !strings.ContainsRune("\u115f\u1160\u2800\u3164\uffa0", r)
}

// checkText judges a name or note of people: at most limit characters, not blank unless empty is allowed.
func checkText(field, s string, limit int, empty bool) (string, error) {
	s = strings.TrimSpace(s)
	if !empty && !strings.ContainsFunc(s, seen) || utf8.RuneCountInString(s) > limit || !plainText(s) {
		return "", invalid(field, "api.text", "limit", limit)
	}
	return s, nil
}

// checkUserName judges the name of a new MQTT user. "<instance>:" before a name tells the instance at login, so no
// name may begin like that.
func checkUserName(s string) error {
	if s == "" || s == "." || s == ".." || len(s) > 128 || !plainText(s) || strings.TrimSpace(s) != s || s[0] == '$' || prefixed.MatchString(s) {
		return invalid("name", "api.user.name")
	}
	if s == WebUser || s == BridgeUser || s == HookUser || s == HistoryUser || strings.HasPrefix(s, pageKeyHead) && len(s) == len(pageKeyHead)+26 {
		return invalid("name", "api.user.reserved", "name", s)
	}
	return nil
}

// checkRule judges a rule's words.
func checkRule(r Rule) error {
	if r.Effect != Allow && r.Effect != Deny {
		return invalid("effect", "api.rule.effect")
	}
	if r.Access != Publish && r.Access != Subscribe && r.Access != Both {
		return invalid("access", "api.rule.access")
	}
	f, err := topic.ParseFilter(r.Filter)
	if err != nil || f.Share != "" || !plainText(r.Filter) || len(r.Filter) > 1024 {
		return invalid("filter", "api.rule.filter")
	}
	if r.QoSBelow < 0 || r.QoSBelow > 2 {
		return invalid("max_qos", "api.rule.qos")
	}
	if r.Effect == Deny && (r.QoSBelow != 0 || r.NoRetain) {
		return invalid("effect", "api.rule.limits")
	}
	if strings.HasPrefix(r.Filter, "$") && r.Access != Subscribe {
		return invalid("filter", "api.rule.system")
	}
	return nil
}
