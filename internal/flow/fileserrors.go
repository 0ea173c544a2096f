package flow

import (
	"io/fs"
	"syscall"
)

// systemErrors are the names of errors and libuv's words for them.
var systemErrors = []struct {
	err        error
	code, text string
}{
	{syscall.ENOENT, "ENOENT", "no such file or directory"},
	{syscall.EEXIST, "EEXIST", "file already exists"},
	{syscall.EACCES, "EACCES", "permission denied"},
	{syscall.EPERM, "EPERM", "operation not permitted"},
	{syscall.EISDIR, "EISDIR", "illegal operation on a directory"},
	{syscall.ENOTDIR, "ENOTDIR", "not a directory"},
	{syscall.ENOSPC, "ENOSPC", "no space left on device"},
	{syscall.EROFS, "EROFS", "read-only file system"},
	{syscall.EMFILE, "EMFILE", "too many open files"},
	{syscall.ENAMETOOLONG, "ENAMETOOLONG", "name too long"},
	{syscall.ELOOP, "ELOOP", "too many symbolic links encountered"},
	{syscall.EBUSY, "EBUSY", "resource busy or locked"},
	{syscall.EINVAL, "EINVAL", "invalid argument"},
	{syscall.EIO, "EIO", "i/o error"},
	{fs.ErrNotExist, "ENOENT", "no such file or directory"},
	{fs.ErrPermission, "EACCES", "permission denied"},
	{fs.ErrExist, "EEXIST", "file already exists"},
}
