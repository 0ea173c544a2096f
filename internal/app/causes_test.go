package app

import "testing"

func TestCausesInMails(t *testing.T) {
	all, err := loadTexts()
	if err != nil {
		t.Fatal(err)
	}
	c := &causes{texts: all}
	for _, tt := range []struct{ language, words, want string }{
		{"ja", "connection closed by the peer", "クライアントが DISCONNECT なしで接続を閉じました"},
		{"ja", "a connection from 192.0.2.1:5 uses the same client identifier", "192.0.2.1:5 からの接続が同じクライアント ID を使っています"},
		{"ja", "the cable is out", "the cable is out"},
		{"ja", "", ""},
		{"en", "connection timed out", "connection timed out"},
	} {
		if got := c.in(tt.language, tt.words); got != tt.want {
			t.Errorf("%q in %s: %q", tt.words, tt.language, got)
		}
	}
}
