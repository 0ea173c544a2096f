package account

import "errors"

// maxTokenTopics is how many filters a token for messages has at most; each has at most 1024 bytes, as those of rules.
const maxTokenTopics = 16

// access is what a scope for messages lets one do; "" for other scopes.
func (s Scope) access() Access {
	switch s {
	case ScopePublish:
		return Publish
	case ScopeSubscribe:
		return Subscribe
	case ScopePublishSubscribe:
		return Both
	}
	return ""
}

// OfMessages says whether a scope is for messages of one instance alone: whatever a route does otherwise isn't for it.
func (s Scope) OfMessages() bool { return s.access() != "" }

// Allows says whether a scope for messages is also for publishing or, with Subscribe, for reading.
func (s Scope) Allows(a Access) bool { return a != "" && (s.access() == a || s.access() == Both) }

// checkScope judges scope, instance and topics of a new token. Tokens for messages name one instance and filters as those
// of rules, so that topics beginning with "$" can only be read.
func checkScope(n NewAPIToken) error {
	if !n.Scope.OfMessages() {
		switch {
		case n.Scope != ScopeRead && n.Scope != ScopeManage:
			return invalid("scope", "api.token.scope")
		case len(n.Topics) > 0:
			return invalid("topics", "api.token.no_topics")
		}
		return nil
	}
	if n.Instance == "" {
		return invalid("instance", "api.token.instance")
	}
	if len(n.Topics) == 0 || len(n.Topics) > maxTokenTopics {
		return invalid("topics", "api.token.topics", "limit", maxTokenTopics)
	}
	for _, filter := range n.Topics {
		err := checkRule(Rule{Effect: Allow, Access: n.Scope.access(), Filter: filter})
		if refused, ok := errors.AsType[*Error](err); ok {
			if refused.Key == "api.rule.filter" {
				return invalid("topics", "api.token.topic_filter", "filter", clip(filter))
			}
			return invalid("topics", refused.Key, refused.Args...)
		}
	}
	return nil
}

// MayPublish says whether the actor's token lets it publish on a topic (checked). Who came with another scope, or with no
// token, may as far as this goes: roles are Judge's.
func (a Actor) MayPublish(name string) bool {
	return !a.Scope.OfMessages() || a.Scope.Allows(Publish) && lets(a.Topics, name)
}

// MayListen says the same of all that a filter (checked, without "$share/<group>/") matches, or of one topic.
func (a Actor) MayListen(filter string) bool {
	return !a.Scope.OfMessages() || a.Scope.Allows(Subscribe) && covers(a.Topics, filter)
}
