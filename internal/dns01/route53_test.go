package dns01

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestSignature signs the request that AWS publishes with its signature ("get-vanilla" of its test suite).
func TestSignature(t *testing.T) {
	r, err := http.NewRequest(http.MethodGet, "https://example.amazonaws.com/", nil)
	if err != nil {
		t.Fatal(err)
	}
	k := accessKey{id: "AKIDEXAMPLE", secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", region: "us-east-1", service: "service"}
	k.sign(r, nil, time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC))
	const want = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, " +
		"Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
	if got := r.Header.Get("Authorization"); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

// TestRoute53 wants values of the same name that others have set to stay.
func TestRoute53(t *testing.T) {
	const (
		zones = "GET /2013-04-01/hostedzonesbyname?dnsname="
		rrset = "/2013-04-01/hostedzone/Z1/rrset"
		found = `<ListHostedZonesByNameResponse><HostedZones>` +
			`<HostedZone><Id>/hostedzone/Z0</Id><Name>example.net.</Name><Config><PrivateZone>true</PrivateZone></Config></HostedZone>` +
			`<HostedZone><Id>/hostedzone/Z1</Id><Name>example.net.</Name><Config><PrivateZone>false</PrivateZone></Config></HostedZone>` +
			`</HostedZones></ListHostedZonesByNameResponse>`
	)
	sets := func(name string, values ...string) string {
		text := `<ListResourceRecordSetsResponse><ResourceRecordSets><ResourceRecordSet><Name>` + name + `.</Name><Type>TXT</Type><TTL>99</TTL><ResourceRecords>`
		for _, v := range values {
			text += "<ResourceRecord><Value>" + v + "</Value></ResourceRecord>"
		}
		return text + "</ResourceRecords></ResourceRecordSet></ResourceRecordSets></ListResourceRecordSetsResponse>"
	}
	for what, c := range map[string]struct {
		has, does, wants string
		remove           bool
	}{
		"first":         {sets("zzz.example.net", `"x"`), "UPSERT", `<TTL>60</TTL><ResourceRecords><ResourceRecord><Value>&#34;value-1&#34;</Value></ResourceRecord></ResourceRecords>`, false},
		"beside others": {sets(challenge, `"other"`), "UPSERT", `<TTL>99</TTL><ResourceRecords><ResourceRecord><Value>&#34;other&#34;</Value></ResourceRecord><ResourceRecord><Value>&#34;value-1&#34;</Value></ResourceRecord></ResourceRecords>`, false},
		"one of two":    {sets(challenge, `"other"`, `"value-1"`), "UPSERT", `<ResourceRecords><ResourceRecord><Value>&#34;other&#34;</Value></ResourceRecord></ResourceRecords>`, true},
		"the last":      {sets(challenge, `"value-1"`), "DELETE", `<TTL>99</TTL><ResourceRecords><ResourceRecord><Value>&#34;value-1&#34;</Value></ResourceRecord></ResourceRecords>`, true},
	} {
		s := newService(t, zones+"example.net", found, zones, "<ListHostedZonesByNameResponse/>", "GET "+rrset, c.has, "POST "+rrset, "<ok/>")
		r := records(t, Options{Provider: "route53", URL: s.url, User: "AKID", Password: "secret", Token: "session"})
		act := r.Set
		if c.remove {
			act = r.Remove
		}
		if err := act(t.Context(), challenge, "value-1"); err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		last := s.asked[len(s.asked)-1]
		for _, part := range []string{"POST " + rrset, " Credential=AKID/", "x-amz-security-token", "<Action>" + c.does + "</Action>", "<Name>" + challenge + ".</Name>", c.wants} {
			if !strings.Contains(last, part) {
				t.Errorf("%s: asked %s\nwithout %s", what, last, part)
			}
		}
	}
	s := newService(t, zones, found, "GET "+rrset, sets("zzz.example.net"))
	r := records(t, Options{Provider: "route53", URL: s.url, User: "AKID", Password: "secret"})
	if err := r.Remove(t.Context(), challenge, "gone"); err != nil {
		t.Errorf("removing what isn't there: %v", err)
	}
	if err := r.Set(t.Context(), "_acme-challenge.example.org", "x"); err == nil || !strings.Contains(err.Error(), "no public zone") {
		t.Errorf("a zone that isn't there: %v", err)
	}
	if _, err := New(Options{Provider: "route53", User: "a"}); err == nil || !strings.Contains(err.Error(), "dns.password") {
		t.Errorf("without a secret: %v", err)
	}
}
