package sqlite

import (
	"context"
	"database/sql"
	"fmt"
)

// dropRows bounds one step of Drop, so that no commit waits long for it.
const dropRows = "1000"

// Drop implements broker.Store. What it deletes goes in steps; when the process ends in between, the next start goes on.
// The records of the instance stay in the log, below a floor, until Trim passes them.
func (m *Messages) Drop(instance string) error {
	err := m.drop(instance)
	if m.db.madeRoom(m.disk, err) {
		err = m.drop(instance)
	}
	return err
}

func (m *Messages) drop(instance string) error {
	below := m.next.Load()
	err := m.db.update(context.Background(), frameBytes, func() error {
		below = m.next.Load()
		_, err := m.db.exec("insert into dropped (instance, below, sum, finished) values (?, ?, ?, 0) "+
			"on conflict do update set below = excluded.below, sum = excluded.sum, finished = 0",
			instance, int64(below), dropSum(instance, int64(below)))
		return err
	})
	if err != nil {
		return fmt.Errorf("drop instance %q: %w", instance, err)
	}
	m.mu.Lock()
	m.floors[instance] = below
	m.mu.Unlock()
	return m.finishDrop(instance)
}

// dropSum is the checksum of a row of the table dropped.
func dropSum(instance string, below int64) int64 {
	return int64(table{letter: 'd'}.sum(nil, instance, below))
}

// finishDrop deletes the rows of a dropped instance.
func (m *Messages) finishDrop(instance string) error {
	for _, t := range []struct{ name, key string }{
		{"packet", "client"}, {"cursor", "client"}, {"subscription", "client"}, {"session", "client"}, {"retained", "topic"},
	} {
		text := fmt.Sprintf("delete from %[1]s where instance = ?1 and %[2]s <= (select max(%[2]s) from "+
			"(select %[2]s from %[1]s where instance = ?1 order by %[2]s limit "+dropRows+"))", t.name, t.key)
		for deleted := int64(1); deleted > 0; {
			err := m.db.update(context.Background(), frameBytes, func() (err error) {
				deleted, err = m.db.exec(text, instance)
				return err
			})
			if err != nil {
				return fmt.Errorf("drop instance %q: %w", instance, err)
			}
		}
	}
	return m.db.update(context.Background(), frameBytes, func() error {
		_, err := m.db.exec("update dropped set finished = 1 where instance = ?", instance)
		return err
	})
}

// finishDrops goes on with what an earlier process had begun.
func (m *Messages) finishDrops() error {
	var instances []string
	err := m.db.each("select instance from dropped where finished = 0", nil, func(r *sql.Rows) (bool, error) {
		var instance string
		err := r.Scan(&instance)
		instances = append(instances, instance)
		return true, err
	})
	for _, instance := range instances {
		if err == nil {
			err = m.finishDrop(instance)
		}
	}
	return err
}
