package stats

import (
	"context"
	"time"
)

// Store keeps points and raised alarms. They belong to an instance and go with it. Its methods may be called from many
// goroutines at once; times are kept to the microsecond.
type Store interface {
	// SavePoints writes points in one transaction, over those of the same instance, step and time, and deletes of each
	// instance and step that it touches what is older than Step.Kept before now. Points of an instance that doesn't
	// exist (any more) are passed over.
	SavePoints(ctx context.Context, points []Point, now time.Time) error
	// Points are those of one instance and step from a time (seconds since 1970) on, in order.
	Points(ctx context.Context, instance string, step Step, from int64) ([]Point, error)

	// SaveRaised keeps an alarm that is raised, over that of the same instance and quota; level 0 deletes it. An
	// instance that doesn't exist is no error.
	SaveRaised(ctx context.Context, r Raised) error
	// AllRaised are all alarms that are raised, by instance and quota.
	AllRaised(ctx context.Context) ([]Raised, error)
}

// Raised is an alarm that stands.
type Raised struct {
	Instance string
	Quota    string
	Level    int // percent of the limit that was reached
	Since    time.Time
	Untold   bool // Options.Owed has not taken it yet
}
