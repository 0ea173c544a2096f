package rows

import "errors"

// Verify checks the rows that rights depend on: damage may hide one of them, such as a rule that denies. Log and audit
// may be long and are checked as they are read.
func Verify(c Conn) error {
	return errors.Join(accounts.verify(c), passkeys.verify(c), identities.verify(c), memberships.verify(c), teamInvitations.verify(c), sessions.verify(c), invitations.verify(c), instances.verify(c),
		users.verify(c), rules.verify(c), flowServers.verify(c), devices.verify(c), deviceLabels.verify(c), settings.verify(c), resetLinks.verify(c),
		apiTokens.verify(c), factors.verify(c), logins.verify(c), clientAuthorities.verify(c), clientCertificates.verify(c),
		tokenKeys.verify(c), metricsTokens.verify(c), bridges.verify(c), hooks.verify(c), onces.verify(c), exposures.verify(c), pageKeys.verify(c), hostNames.verify(c),
		guards.verify(c), addressRules.verify(c), bans.verify(c), signInPlaces.verify(c))
}
