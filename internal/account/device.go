package account

import (
	"errors"
	"time"
)

// Device is a flow server that runs somewhere else, such as at home, and holds a tunnel to here. Primary key ID; unique
// Name; parent Account (Owner).
type Device struct {
	ID        string
	Owner     string // Account.ID
	Name      string // DNS label, see ValidLabel; no FlowServer has the same
	Key       []byte // Ed25519 public key, 32 bytes; the device alone has the other half
	Instance  string // Instance.ID that its flows use; no foreign key
	User      string // User.Name of its login there
	Version   string // of its program, as it said last
	NoEditing bool   // its editor must not be reached through the tunnel
	CreatedAt time.Time
	SeenAt    time.Time // start or end of the last tunnel; zero: never
	Pages     Pages     // who may see the pages that its flows make, through the tunnel
}

func (Device) row() {}

// DeviceLabels are the words by which devices are groups. Primary key and parent Device.
type DeviceLabels struct {
	Device string   // Device.ID
	Labels []string // sorted, each as ValidLabel has it
}

func (DeviceLabels) row() {}

// LabelledDevice is a device with the groups that it is in, which people edit together: a Row for Version alone.
type LabelledDevice struct {
	Device
	Labels []string // nil where it is in none
}

// labelled reads a device's groups.
func labelled(r Reader, d Device) (LabelledDevice, error) {
	l, err := r.DeviceLabels(d.ID)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return LabelledDevice{}, err
	}
	return LabelledDevice{d, l.Labels}, nil
}
