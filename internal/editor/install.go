package editor

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/bcrypt"

	"tsunagi/internal/flow"
)

// Installation is what a data directory is made of that takes over another program's.
type Installation struct {
	Flows        *flow.File
	Credentials  flow.Credentials
	Secret       string               // the key of the credentials; "" has one made
	Users        map[string]TakenUser // by name
	UserSettings []byte               // .config.users.json
}

// TakenUser is somebody who may sign in with the password they have.
type TakenUser struct {
	Hash  string // bcrypt, as Node-RED keeps it
	Scope string // as in User
}

// maxBcryptCost bounds how long one sign-in may take; Node-RED's own tool makes 8.
const maxBcryptCost = 14

// Check says what is wrong with a user of this name.
func (u TakenUser) Check(name string) error {
	cost, err := bcrypt.Cost([]byte(u.Hash))
	switch {
	case err != nil:
		return errors.New("the password is not kept as a bcrypt hash")
	case cost > maxBcryptCost:
		return fmt.Errorf("the hash of the password takes too long to check (cost %d, at most %d)", cost, maxBcryptCost)
	case strings.Trim(u.Scope, "abcdefghijklmnopqrstuvwxyz*.,- ") != "":
		return fmt.Errorf("permissions %q: want words such as read or flows.write", u.Scope)
	}
	return checkUserName(name)
}

// OpenCredentials reads a credentials file, as it is or encrypted under secret.
func OpenCredentials(text []byte, secret string) (flow.Credentials, error) {
	return openCredentials(text, secret)
}

// Install writes an installation into an empty directory, all at once.
func (s *Store) Install(in Installation) error {
	files := map[string][]byte{flowsFile: pretty(in.Flows.JSON())}
	if in.Secret == "" {
		in.Secret = randomCode() + randomCode()
	}
	kept, err := json.MarshalIndent(map[string]string{"_credentialSecret": in.Secret}, "", "    ")
	if err != nil {
		return err
	}
	files[runtimeFile] = kept
	if len(in.Credentials) > 0 {
		if files[credsFile], err = sealCredentials(in.Credentials, in.Secret); err != nil {
			return err
		}
	}
	if len(in.Users) > 0 {
		users := map[string]account{}
		for name, u := range in.Users {
			users[name] = account{u.Hash, u.Scope}
		}
		if files[accountsFile], err = json.MarshalIndent(users, "", "    "); err != nil {
			return err
		}
	}
	if json.Valid(in.UserSettings) {
		files[usersFile] = in.UserSettings
	}
	return s.write(files)
}
