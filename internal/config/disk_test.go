package config

import (
	"os"
	"strings"
	"testing"
)

func TestDisk(t *testing.T) {
	const secret = "TSUNAGI_SECRET=0123456789abcdef0123456789abcdef"
	hosted := []string{"PORT=5000", "TSUNAGI_FORWARDED_FROM=10.0.0.0/8", "DATABASE_URL=postgres://u:hidden@db.example/x"}
	with := func(more ...string) []string { return append(append([]string{}, hosted...), more...) }
	plans := t.TempDir() + "/plans.toml"
	if err := os.WriteFile(plans, []byte("[[plans]]\nid=\"a\"\nname=\"A\"\ndefault=true\ndurability=\"safe\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name       string
		env        []string
		disk, plan string
		fault      string // "": none
	}{
		{"a machine of its own", nil, Kept, "", ""},
		{"a database on a machine of its own", []string{"DATABASE_URL=postgres://u:hidden@db.example/x"}, Kept, "", ""},
		{"a platform", with(secret), Vanishes, Fast, ""},
		{"a platform with a mounted disk", with("TSUNAGI_STORE_DISK=kept"), Kept, "", ""},
		{"keys would vanish", hosted, "", "", "secret is empty"},
		{"a promise that can't be kept", with(secret, "TSUNAGI_CONFIG="+plans), "", "", "durability \"safe\""},
		{"flows would vanish", with(secret, "TSUNAGI_PROXY_FLOWS=true"), "", "", "proxy_flows"},
		{"accounts would vanish", []string{"TSUNAGI_STORE_DISK=vanishes", secret}, "", "", "without database_url"},
		{"a short secret", []string{"TSUNAGI_SECRET=short"}, "", "", "secret of 5"},
		{"another database", []string{"DATABASE_URL=mysql://u:hidden@db.example/x"}, "", "", "database_url"},
		{"another's variable", []string{"DATABASE_URL=mysql://u:hidden@db.example/x", "TSUNAGI_DATABASE_URL=off"}, Kept, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var s Serve
			_, err := Load(&s, nil, tt.env)
			if tt.fault != "" {
				if err == nil || !strings.Contains(err.Error(), tt.fault) || strings.Contains(err.Error(), "hidden") {
					t.Errorf("%v: want a fault that says %q", err, tt.fault)
				}
				return
			}
			if err != nil || s.Store.Disk != tt.disk {
				t.Fatalf("disk %q, %v", s.Store.Disk, err)
			}
			for _, p := range s.Plans {
				if p.Durability != tt.plan {
					t.Errorf("plan %s is %q, want %q", p.ID, p.Durability, tt.plan)
				}
			}
			if DefaultPlans[0].Durability != "" {
				t.Error("the default plans were changed for everybody")
			}
		})
	}
}
