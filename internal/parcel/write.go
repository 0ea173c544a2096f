package parcel

import (
	"archive/zip"
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"tsunagi/internal/account"
)

// page is how many retained messages are read at a time.
const page = 200

// Wish says whose instance is to be exported, and how.
type Wish struct {
	By       account.Actor
	Instance string
	Proof    account.Proof // that it is them who ask; the admin socket needs none
	Hashes   bool          // with the users' password hashes
}

// Parcel is one that may be written.
type Parcel struct {
	c    *Courier
	wish Wish
	head Head
}

// Open judges a wish, notes it in the audit and reads what is small.
func (c *Courier) Open(ctx context.Context, w Wish) (*Parcel, error) {
	content, err := c.Accounts.Export(ctx, w.By, w.Instance, w.Proof, w.Hashes)
	if err != nil {
		return nil, err
	}
	return &Parcel{c, w, Head{Format: format, Version: version, Program: c.Program, Made: c.Now().UTC().Truncate(time.Second), Content: content}}, nil
}

// Name is a name for the file.
func (p *Parcel) Name() string {
	return fmt.Sprintf("%s-%s.zip", p.wish.Instance, p.head.Made.Format("20060102-150405"))
}

// Write writes the file. What is written up to an error is no zip file.
func (p *Parcel) Write(ctx context.Context, out io.Writer) error {
	z := zip.NewWriter(out)
	for _, part := range []struct {
		name  string
		write func(context.Context, *json.Encoder) error
	}{{instanceName, p.writeHead}, {usersName, p.writeUsers}, {retainedName, p.writeRetained}} {
		w, err := z.CreateHeader(&zip.FileHeader{Name: part.name, Method: zip.Deflate, Modified: p.head.Made})
		if err != nil {
			return err
		}
		buffer := bufio.NewWriterSize(w, 64<<10)
		if err := part.write(ctx, json.NewEncoder(buffer)); err != nil {
			return fmt.Errorf("export of instance %s, %s: %w", p.wish.Instance, part.name, err)
		}
		if err := buffer.Flush(); err != nil {
			return err
		}
	}
	return z.Close()
}

func (p *Parcel) writeHead(_ context.Context, e *json.Encoder) error {
	e.SetIndent("", "  ")
	return e.Encode(p.head)
}

func (p *Parcel) writeUsers(ctx context.Context, e *json.Encoder) error {
	for after := ""; ; {
		list, next, err := p.c.Accounts.ExportUsers(ctx, p.wish.By, p.wish.Instance, p.wish.Hashes, after)
		if err != nil {
			return err
		}
		for i := range list {
			if err := e.Encode(&list[i]); err != nil {
				return err
			}
		}
		if after = next; next == "" {
			return nil
		}
	}
}

func (p *Parcel) writeRetained(ctx context.Context, e *json.Encoder) error {
	for after := ""; ; {
		list, err := p.c.Messages.Retained(ctx, p.wish.Instance, after, page)
		if err != nil || len(list) == 0 {
			return err
		}
		for i := range list {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := e.Encode(&list[i]); err != nil {
				return err
			}
		}
		after = list[len(list)-1].Topic
	}
}
