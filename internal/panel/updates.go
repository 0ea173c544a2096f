package panel

import (
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"time"

	"tsunagi/internal/account"
)

// releaseHeader has the manifest of a program on its way to a device. It is package home's ReleaseHeader.
const releaseHeader = "Tsunagi-Release"

// updateTime is how long a program may take to a device.
const updateTime = 20 * time.Minute

// Updates are the signed programs for devices.
type Updates interface {
	// Key is the Ed25519 public key that they are signed with; nil when there is none.
	Key() []byte
	// Find is the version for a target (system and processor), if there is one.
	Find(target string) (version string, ok bool)
	// Open is the program for a target, with its manifest (JSON) and its size in bytes.
	Open(target string) (manifest []byte, size int64, program io.ReadCloser, err error)
}

func (p *Panel) releaseKey() []byte {
	if p.o.Updates == nil {
		return nil
	}
	return p.o.Updates.Key()
}

func (p *Panel) releaseFor(target string) (string, bool) {
	if p.o.Updates == nil {
		return "", false
	}
	return p.o.Updates.Find(target)
}

// updateDevice sends a device the program for its kind of machine. What the device says of itself chooses the program,
// and the device alone judges it.
func (p *Panel) updateDevice(ctx context.Context, in *WithID) (*nothing, error) {
	d, err := p.onlineDevice(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	var f figuresBody
	if err := p.atDevice(d.ID).call(ctx, "GET", "/figures", nil, &f); err != nil {
		return nil, err
	}
	if _, ok := p.releaseFor(f.Target); !ok {
		return nil, &account.Error{Code: account.Conflict, Key: "api.device.release"}
	}
	manifest, size, program, err := p.o.Updates.Open(f.Target)
	if err != nil {
		return nil, err
	}
	defer program.Close()
	if _, err := p.o.Accounts.AuditDevice(ctx, actor(ctx), in.ID, "device.update"); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, updateTime)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://flow/update", program)
	if err != nil {
		return nil, err
	}
	r.ContentLength = size
	r.Header.Set("Content-Type", "application/octet-stream")
	r.Header.Set(releaseHeader, base64.StdEncoding.EncodeToString(manifest))
	return nil, p.atDevice(d.ID).send(ctx, r, nil)
}
