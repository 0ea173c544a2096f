package account

import (
	"context"
	"errors"
)

// ClientIDPolicy says who stays when a client comes with the client id of one that is connected.
type ClientIDPolicy string

const (
	TakeOver       ClientIDPolicy = "takeover" // the one that comes; the other is disconnected, as MQTT has it
	RefuseNewcomer ClientIDPolicy = "refuse"   // the one that is connected, while it lives
)

// clientIDSetting and an instance's id is the key of its policy. Without it it is TakeOver.
const clientIDSetting = "client_ids."

// ClientIDs is what an instance does about client ids that are in use.
func (s *Service) ClientIDs(ctx context.Context, by Actor, instance string) (p ClientIDPolicy, err error) {
	err = s.view(ctx, func(r Reader) error {
		if _, err := instanceOf(r, by, instance); err != nil {
			return err
		}
		p, err = ClientIDsOf(r, instance)
		return err
	})
	return p, err
}

// ClientIDsOf reads the policy of an instance.
func ClientIDsOf(r Reader, instance string) (ClientIDPolicy, error) {
	row, err := r.Setting(clientIDSetting + instance)
	if errors.Is(err, ErrNotFound) {
		return TakeOver, nil
	}
	return ClientIDPolicy(row.Value), err
}

// ClientIDRow is what the version of an instance's policy is made of, see Version.
func ClientIDRow(instance string, p ClientIDPolicy) Row {
	return Setting{Key: clientIDSetting + instance, Value: []byte(p)}
}

// SetClientIDs changes the policy. It holds for who connects from then on.
func (s *Service) SetClientIDs(ctx context.Context, by Actor, instance string, p ClientIDPolicy) error {
	if err := checkClientIDs(p); err != nil {
		return err
	}
	return s.change(ctx, func(tx Tx) (Change, error) {
		if _, err := instanceOf(tx, by, instance); err != nil {
			return Change{}, err
		}
		before, err := ClientIDsOf(tx, instance)
		if err != nil {
			return Change{}, err
		}
		if err := s.fresh(ctx, ClientIDRow(instance, before)); err != nil {
			return Change{}, err
		}
		if err := tx.Delete(ClientIDRow(instance, before)); err != nil {
			return Change{}, err
		}
		if p != TakeOver {
			if err := tx.Insert(ClientIDRow(instance, p)); err != nil {
				return Change{}, err
			}
		}
		return Change{Instance: instance, ClientIDs: true}, s.audit(tx, by, "client_ids.change", instance, string(p))
	})
}

func checkClientIDs(p ClientIDPolicy) error {
	if p != TakeOver && p != RefuseNewcomer {
		return invalid("policy", "api.client_ids.policy")
	}
	return nil
}
