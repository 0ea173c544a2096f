//go:build !unix

package sqlite

import (
	"errors"
	"os"
)

var errUnix = errors.New("a data directory needs Linux or another Unix")

func space(string) (free, total int64, err error) { return 0, 0, errUnix }

func flock(*os.File) (taken bool, err error) { return false, errUnix }
