package fault_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"tsunagi/internal/fault"
	"tsunagi/internal/outside"
)

// TestCodes compares the constants with the sentences.
func TestCodes(t *testing.T) {
	source, err := os.ReadFile("codes.go")
	if err != nil {
		t.Fatal(err)
	}
	have := map[fault.Code]bool{}
	for _, c := range fault.Codes() {
		have[c] = true
	}
	found := regexp.MustCompile(`Code = "(\w+)"`).FindAllStringSubmatch(string(source), -1)
	if len(found) != len(have) || len(found) == 0 {
		t.Errorf("%d constants, %d sentences", len(found), len(have))
	}
	for _, m := range found {
		if !have[fault.Code(m[1])] {
			t.Errorf("%s has no sentence", m[1])
		}
	}
}

// TestRead finds every sentence again, alone and with a detail, whatever stands in its places.
func TestRead(t *testing.T) {
	cause := errors.New("dial tcp 192.0.2.1:8883: connect: no route")
	for _, code := range fault.Codes() {
		var pairs []any
		want := &fault.Told{Code: code}
		for _, name := range fault.Places(code) {
			value := "599 Some" // ours, without colons
			if name == "topic" {
				value = fault.Quoted("a \"b\": was not taken, {topic} 温度")
			}
			pairs = append(pairs, name, value)
			if want.Args == nil {
				want.Args = map[string]string{}
			}
			want.Args[name] = value
		}
		if got := fault.Read(fault.New(code, pairs...).Error()); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, want %+v", code, got, want)
		}
		err := fault.Wrap(code, cause, pairs...)
		if want.Detail = cause.Error(); !errors.Is(err, cause) || !reflect.DeepEqual(fault.Read(err.Error()), want) {
			t.Errorf("%s with a cause: %+v, want %+v", code, fault.Read(err.Error()), want)
		}
		if err := fault.As(code, cause, pairs...); !errors.Is(err, cause) || strings.Contains(err.Error(), "no route") {
			t.Errorf("%s: %v", code, err)
		}
	}
	for _, words := range []string{"", "something else", "the receiver", strings.Repeat("no answer came in time: ", 1000)} {
		if got := fault.Read(words); got != nil {
			t.Errorf("Read(%.40q) = %+v", words, got)
		}
	}
}

// timeout is a net.Error.
type timeout struct{ error }

func (timeout) Timeout() bool   { return true }
func (timeout) Temporary() bool { return false }

func TestNetwork(t *testing.T) {
	for _, tt := range []struct {
		want fault.Code
		err  error
	}{
		{fault.Name, &net.DNSError{Err: "no such host", Name: "nowhere.example", IsNotFound: true}},
		{fault.Inner, outside.ErrInner},
		{fault.Inner, outside.ErrOuter},
		{fault.Authority, x509.UnknownAuthorityError{}},
		{fault.Host, x509.HostnameError{Certificate: &x509.Certificate{}, Host: "a.example"}},
		{fault.Expired, x509.CertificateInvalidError{Reason: x509.Expired}},
		{fault.TLS, x509.CertificateInvalidError{Reason: x509.NotAuthorizedToSign}},
		{fault.Silent, context.DeadlineExceeded},
		{fault.Silent, &net.OpError{Op: "dial", Err: timeout{errors.New("i/o timeout")}}},
		{fault.Closed, &net.OpError{Op: "dial", Err: errors.New("connection refused")}},
		{fault.Broken, io.ErrUnexpectedEOF},
	} {
		err := fmt.Errorf("connect to a.example: %w", tt.err)
		got := fault.Network(err)
		if told := fault.Read(got.Error()); told == nil || told.Code != tt.want || told.Detail != err.Error() || !errors.Is(got, err) {
			t.Errorf("%v: %v", err, got)
		}
		if fault.Network(got) != got {
			t.Errorf("%v has two codes", got)
		}
	}
	if err := errors.New("what is this"); fault.Network(err) != err || fault.Network(nil) != nil {
		t.Error("an unknown error has got a code")
	}
}
