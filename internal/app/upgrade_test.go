package app

import (
	"archive/tar"
	"compress/gzip"
	"database/sql"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tsunagi/internal/mqtt"
)

// TestUpgrade serves what the version before has stored: an account, an instance with its password, a retained message. The
// file whose tables changed is kept as that version left it, which is the way back.
func TestUpgrade(t *testing.T) {
	const before, instance, password = "5", "stvzdfgw", "lkxrf6u5axwwey2mkilqq6coh3"
	packed, err := os.Open("testdata/version-" + before + ".backup.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	unpack, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(t.TempDir(), "data")
	for files := tar.NewReader(unpack); ; { // not by restore, which would bring it up to date
		h, err := files.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(files)
		path := filepath.Join(filepath.Dir(data), filepath.FromSlash(h.Name))
		if err == nil {
			err = os.MkdirAll(filepath.Dir(path), 0o700)
		}
		if err == nil && h.Typeflag == tar.TypeReg {
			err = os.WriteFile(path, text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	w := serveWorld(t, "--data", data)
	var accounts []struct{ Email string }
	w.admin(&accounts, "account", "list")
	if len(accounts) != 1 || accounts[0].Email != "owner@example.org" {
		t.Errorf("accounts %v", accounts)
	}
	c := w.dial(w.mqtts, w.tls("localhost"))
	w.login(c, instance, password)
	subscribe(t, c, "kept/#")
	f, err := readFrame(c)
	var p mqtt.Publish
	if err == nil {
		err = mqtt.DecodePublish(&p, f, mqtt.V5)
	}
	if err != nil || string(p.Topic) != "kept/topic" || string(p.Payload) != "from before" || !p.Retain {
		t.Errorf("retained message %s %q, %v", p.Topic, p.Payload, err)
	}
	w.stop()

	kept := filepath.Join(data, "accounts.db.version-"+before)
	db, err := sql.Open("sqlite", "file:"+kept+"?mode=ro&immutable=1")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var version, email string
	err = db.QueryRow("select max(version_id) from goose_db_version").Scan(&version)
	if err == nil {
		err = db.QueryRow("select email from account").Scan(&email)
	}
	if err != nil || version != before || !strings.HasPrefix(email, "owner@") {
		t.Errorf("the file that is kept has version %q and account %q, %v", version, email, err)
	}
}
