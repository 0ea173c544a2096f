package admin

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// file reads what a flag names; "" without it.
func (k *call) file(flag string) (string, error) {
	name := k.text(flag)
	var in io.Reader
	switch name {
	case "":
		return "", nil
	case "-":
		in = k.in
	default:
		f, err := os.Open(name)
		if err != nil {
			return "", err
		}
		defer f.Close()
		in = f
	}
	raw, err := io.ReadAll(io.LimitReader(in, maxBody))
	if err == nil && len(raw) == 0 {
		err = errors.New("there is nothing in it")
	}
	if err != nil {
		return "", fmt.Errorf("--%s: %w", flag, err)
	}
	return string(raw), nil
}
