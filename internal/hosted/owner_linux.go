package hosted

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Users of flow servers: a range that systems leave free. The owner of a server's directory is the record of who it is.
const (
	firstUser = 400_000
	users     = 100_000
)

// errUser says that the system has no room for further users, as in a container that maps only some.
var errUser = errors.New("the system has no user for it")

// own gives a server's directory a user of its own and returns it; 0 without root, when there is none to give.
func (m *Manager) own(dir string) (int, error) {
	if os.Geteuid() != 0 {
		return 0, nil
	}
	m.users.Lock()
	defer m.users.Unlock()
	user, err := ownerOf(dir)
	if err != nil || user >= firstUser && user < firstUser+users {
		return user, err
	}
	if user, err = freeUser(filepath.Dir(dir)); err != nil {
		return 0, err
	}
	// The directory itself comes last: a walk that was cut short is done again.
	err = filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		return os.Lchown(path, user, user)
	})
	if err == nil {
		err = os.Lchown(dir, user, user)
	}
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.EPERM) {
		return 0, fmt.Errorf("%w: %w", errUser, err)
	}
	return user, err
}

// freeUser is the first user that owns none of the servers' directories.
func freeUser(dir string) (int, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0, err
	}
	taken := map[int]bool{}
	for _, e := range entries {
		user, err := ownerOf(filepath.Join(dir, e.Name()))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return 0, err
		}
		taken[user] = true
	}
	for user := firstUser; user < firstUser+users; user++ {
		if !taken[user] {
			return user, nil
		}
	}
	return 0, fmt.Errorf("%w: all %d are taken", errUser, users)
}

func ownerOf(path string) (int, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return 0, err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, errUser
	}
	return int(st.Uid), nil
}
