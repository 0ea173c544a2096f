package app

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"tsunagi/internal/account"
	"tsunagi/internal/billing"
	"tsunagi/internal/broker"
	"tsunagi/internal/cert"
	"tsunagi/internal/config"
	"tsunagi/internal/front"
	"tsunagi/internal/gate"
	"tsunagi/internal/hosted"
	"tsunagi/internal/jwks"
	"tsunagi/internal/link"
	"tsunagi/internal/mail"
	"tsunagi/internal/outside"
	"tsunagi/internal/panel"
	"tsunagi/internal/parcel"
	"tsunagi/internal/passkey"
	"tsunagi/internal/stats"
	"tsunagi/internal/store/postgres"
	"tsunagi/internal/store/sqlite"
	"tsunagi/web"
)

// cloud is `tsunagi serve` in its proper mode.
type cloud struct {
	*core
	cfg       *config.Serve
	texts     texts
	kept      keeping            // where accounts and statistics are
	database  *postgres.Accounts // nil: they are in the data directory
	accounts  *account.Service
	journal   *account.Journal
	door      *door
	panel     *panel.Panel
	sites     *front.Sites
	authority *cert.Authority // nil with certificate files or a public authority
	files     *cert.Files
	small     *cert.Authority // of the door for small devices; nil: there is none
	bridges   *bridging
	hooks     *hooking
	histories *histories
	parcels   *parcel.Courier
	billing   *billing.Manager // nil: nothing is paid
	post      *mail.Sender
	acme      *cert.ACME
	flows     *hosted.Manager // nil: there are no hosted flow servers
	linkKey   ed25519.PrivateKey
	hub       *link.Hub // nil: there are no devices, as there are no names for their origins
	doors     doors

	statistics *stats.Collector
}

// doors are the listeners; nil where the settings close one.
type doors struct{ https, mqtts, device, mqtt, http, metrics net.Listener }

// serveCloud makes every part, runs them until ctx ends, and stops them in reverse.
func serveCloud(ctx context.Context, cfg *config.Serve, log *slog.Logger, s Streams) (err error) {
	base, err := newCore(ctx, reserve(cfg.Data, cfg.Store.ReserveMB), log)
	if err != nil {
		return err
	}
	c := &cloud{core: base, cfg: cfg}
	if err := c.build(ctx); err != nil {
		c.doors.close()
		return errors.Join(err, c.closeStores())
	}
	greeting, err := c.greeting(ctx)
	if err != nil {
		c.doors.close()
		return errors.Join(err, c.closeStores())
	}
	return runParts(ctx, log, c.parts(), func() { fmt.Fprint(s.Out, greeting) }, c.failure.c)
}

// build makes the parts that the listeners lead to.
func (c *cloud) build(ctx context.Context) (err error) {
	if c.texts, err = loadTexts(); err != nil {
		return err
	}
	if err = c.listen(); err != nil {
		return err
	}
	if err = c.openAccounts(ctx); err != nil {
		return err
	}
	c.door = &door{directory: c.accounts.Directory(), brokers: c.brokers, journal: c.journal, tripwire: newTripwire(c.accounts, c.log)}
	c.brokers.evict = c.door.evict
	c.brokers.limits = c.limits
	c.brokers.events = c.door.record
	c.brokers.rights = (&awayRights{directory: c.accounts.Directory(), log: c.log}).of
	c.brokers.origin = c.accounts.Origin
	c.accounts.OnChange(c.brokers.change)
	c.accounts.OnChange(ownHosts{c}.change)
	proxies, err := config.Networks(c.cfg.ProxyFrom)
	if err != nil {
		return err
	}
	c.openGate(gate.Options{
		ProxyFrom: proxies,
		Door:      c.door, Refused: c.door.refused(c.exists), Reference: net.JoinHostPort(c.cfg.Domain, c.doors.port(c.doors.mqtts)),
		Patience: c.cfg.Connect.Patience, PerAddress: c.cfg.Connect.PerAddress, Waiting: c.cfg.Connect.Waiting,
	})
	if err = c.openBridges(); err != nil {
		return err
	}
	if err = c.openHooks(); err != nil {
		return err
	}
	c.openHistories()
	c.openBilling()
	c.parcels = parcel.New(c.accounts, retainedOf{c.brokers}, c.cfg.Data, Version)
	if err = c.openCertificates(); err != nil {
		return err
	}
	if err = c.openFlows(); err != nil {
		return err
	}
	if c.flows != nil {
		c.accounts.HostFlows(panelFlows{c.flows, c.flowPlan})
	}
	c.openHub()
	c.openStatistics()
	return c.openSites()
}

func (c *cloud) openAccounts(ctx context.Context) error {
	secret, err := c.secret()
	if err != nil {
		return &dataError{err}
	}
	if err := c.openDatabase(ctx); err != nil {
		return err
	}
	keys, err := account.NewKeys(secret)
	if err != nil {
		return &dataError{err}
	}
	c.linkKey = keys.LinkKey()
	post, err := mail.New(mail.Options{
		Host: c.cfg.SMTP.Host, Port: c.cfg.SMTP.Port, User: c.cfg.SMTP.User, Password: c.cfg.SMTP.Password, From: c.cfg.SMTP.From,
		Security: c.cfg.SMTP.Security, Dir: filepath.Join(c.cfg.Data, "mail"), PanelURL: c.panelURL(), Text: c.texts.text, Cause: (&causes{texts: c.texts}).in, Log: c.log,
	})
	if err != nil {
		return err
	}
	c.post = post
	inner, err := config.Networks(c.cfg.FetchAllow)
	if err != nil {
		return err
	}
	bridges, err := reach(c.cfg.BridgeAllow)
	if err != nil {
		return err
	}
	hooks, err := reach(c.cfg.HookAllow)
	if err != nil {
		return err
	}
	var passkeys account.Passkeys
	if net.ParseIP(c.cfg.Domain) == nil { // a passkey belongs to a name
		if passkeys, err = passkey.New(c.cfg.Domain, c.panelURL()); err != nil {
			return err
		}
	}
	providers, err := c.providers()
	if err != nil {
		return err
	}
	c.accounts, err = account.NewService(ctx, account.Options{
		Names: newPublicNames(c.cfg.Resolver), OwnNames: c.cfg.Names,
		Passkeys: passkeys, Providers: providers,
		Store: c.kept, Keys: keys, Plans: plans(c.cfg.Plans), Regions: regions(c.cfg.Regions),
		AccountInstances: c.cfg.AccountInstances, AccountTeams: c.cfg.AccountTeams,
		SignUp: c.cfg.SignUp, Domain: c.cfg.Domain, Invite: post.Invite, Post: post.Letter, Log: c.log,
		BridgePlain: len(c.cfg.BridgeAllow) > 0, HookPlain: len(c.cfg.HookAllow) > 0,
		BridgeReach: bridges, HookReach: hooks,
		KeySets: jwks.New(jwks.Options{Dial: (&outside.Dialer{Allow: inner}).DialContext, Log: c.log}),
	})
	if err != nil {
		return &dataError{err}
	}
	c.journal = account.NewJournal(c.kept, c.cfg.Log.KeptLines, c.log, time.Now)
	return nil
}

// reach is what a part of this server may connect to: public addresses with TLS, those of its setting in any way.
func reach(allow []string) (account.Reach, error) {
	inner, err := config.Networks(allow)
	secure, plain := &outside.Dialer{Allow: inner}, &outside.Dialer{Allow: inner, Only: true}
	return func(ip netip.Addr, tls bool) bool {
		if tls {
			return secure.May(ip)
		}
		return plain.May(ip)
	}, err
}

// secret is what all keys come from: the setting, or the key file.
func (c *cloud) secret() ([]byte, error) {
	if c.cfg.Secret == "" {
		return account.LoadKeyFile(c.cfg.Data)
	}
	sum := sha256.Sum256([]byte("tsunagi secret " + c.cfg.Secret))
	return sum[:], nil
}

// tls is the configuration of a TLS listener; instance and flow server names are minted when they are asked for.
// Clients are asked for a certificate where their instance wants it.
func (c *cloud) tls(alpn ...string) *tls.Config {
	return c.askClients(c.listenerTLS(alpn), slices.Contains(alpn, "http/1.1"))
}

// deviceTLS is tls for small devices.
func (c *cloud) deviceTLS() *tls.Config {
	return c.askClients(c.small.DeviceTLSConfig(c.servesName, "mqtt"), false)
}

func (c *cloud) askClients(config *tls.Config, web bool) *tls.Config {
	return cert.AskClients(config, func(hello *tls.ClientHelloInfo) bool {
		mqtt := !web || slices.Contains(hello.SupportedProtos, "mqtt")
		return c.accounts.Directory().AsksCertificate(hello.ServerName, mqtt)
	})
}

// servesName says whether a certificate may be minted for a name: a flow server's or an instance's that exists.
func (c *cloud) servesName(name string) bool {
	if c.sites.FlowHost != nil && c.sites.FlowHost(name) {
		return true
	}
	instance, _ := c.accounts.Directory().Resolve(account.Where{Host: name})
	return instance != "" && c.exists(instance)
}

func (c *cloud) openSites() error {
	a := panel.Authority{}
	if c.authority != nil {
		a = panel.Authority{PEM: c.authority.PEM(), DER: c.authority.DER(), Fingerprint: c.authority.Fingerprint()}
	}
	var err error
	c.panel, err = panel.New(panel.Options{
		Accounts: c.accounts, Journal: c.journal, Brokers: panelBrokers{c.brokers}, Bridges: c.bridges, Hooks: c.hooks, Histories: c.histories, Parcels: panelParcels{c.parcels}, Billing: c.panelBilling(), Flows: c.panelFlows(), Devices: c.panelDevices(), Updates: c.panelUpdates(), Authority: a,
		Endpoints: panel.Endpoints{Server: c.cfg.Domain, Port: number(c.doors.port(c.doors.mqtt)), SSLPort: number(c.doors.port(c.doors.mqtts)),
			WebSocketPort: number(c.publicPort()), PanelURL: c.panelURL()},
		Device:       c.deviceDoor(),
		Metrics:      func(instance string) io.WriterTo { return c.brokers.instanceMetrics(instance) },
		Certificates: c.panelCertificates,
		HostNames:    ownHosts{c},
		DiskVanishes: c.cfg.Store.Disk == config.Vanishes,
		Statistics:   c.statistics,
		Reach:        c.reach,
		Store:        c.health, Pages: web.Panel(), Text: c.texts.text, Language: c.cfg.Language, Version: Version, Log: c.log,
	})
	if err != nil {
		return err
	}
	socket := c.gate.WebSocket(gate.WebSocketOptions{Check: c.door.checkPage})
	mux := http.NewServeMux()
	mux.Handle("/mqtt", socket)
	mux.Handle("/mqtt/{instance}", socket)
	if c.billing != nil {
		mux.Handle("/api/stripe/webhook", c.billing)
	}
	mux.Handle("/", c.panel)
	c.sites = &front.Sites{Domain: c.cfg.Domain, Names: c.cfg.Names, Panel: mux, Socket: socket, InstanceHost: func(host string) bool {
		instance, _ := c.accounts.Directory().Resolve(account.Where{Host: host})
		return instance != ""
	}}
	if c.flows != nil {
		c.sites.Flows, c.sites.FlowHost = c.flows, c.flows.Knows
	}
	if c.hub != nil {
		mux.Handle(link.Path, c.hub.Tunnel())
		c.addDevices()
	}
	return nil
}

// panelURL is the panel's origin.
func (c *cloud) panelURL() string {
	port := c.publicPort()
	if port == "443" {
		return "https://" + c.cfg.Domain
	}
	return "https://" + net.JoinHostPort(c.cfg.Domain, port)
}

// publicPort is the port of https as people see it: that of the proxy in one-port mode. "" where there is none.
func (c *cloud) publicPort() string {
	if c.cfg.BehindProxy && c.doors.https == nil {
		return strconv.Itoa(c.cfg.PublicPort)
	}
	return c.doors.port(c.doors.https)
}

// health is how the store is, for the panel.
func (c *cloud) health() panel.StoreHealth {
	h, err := c.store.Health()
	if err != nil {
		c.log.Warn("health of the store not read", "error", err)
		return panel.StoreHealth{Cause: "the store can't be asked; the server's log says why"}
	}
	out := panel.StoreHealth{Healthy: h.Level != sqlite.Critical, FreeBytes: h.FreeBytes}
	if !out.Healthy {
		out.Cause = "the disk is nearly full: messages that must be stored are refused"
	}
	return out
}

// limits are those of an instance's plan.
func (c *cloud) limits(instance string) (broker.Limits, error) {
	in, err := c.readInstance(instance)
	if err != nil {
		return broker.Limits{}, err
	}
	p := c.accounts.Plan(in.Plan)
	care, err := c.care(instance)
	if err != nil {
		return broker.Limits{}, err
	}
	return broker.Limits{
		RetainExpiry: care.RetainExpiry, Clash: care.Clash,
		Connections: p.Connections, WebConnections: p.WebConnections, MaxPacket: p.MaxPacket, QueueMessages: p.QueueMessages,
		QueueBytes: p.QueueBytes, Subscriptions: p.Subscriptions, RetainedMessages: p.RetainedMessages,
		AllSubscriptions: p.AllSubscriptions, SubscribeRate: p.SubscribeRate, Sessions: p.Sessions, RetainedBytes: p.RetainedBytes,
		KeepAliveMax: time.Duration(p.KeepAliveMax) * time.Second, BindClientIDs: p.BindClientIDs, Fast: p.Durability == config.Fast,
	}, nil
}

// care is what an instance's own people have chosen: times of retained messages, and what becomes of a client id that is
// in use.
func (c *cloud) care(instance string) (out broker.Limits, err error) {
	err = c.kept.View(context.Background(), func(r account.Reader) error {
		list, err := account.RetainExpiriesOf(r, instance)
		if err != nil {
			return err
		}
		for _, one := range list {
			out.RetainExpiry = append(out.RetainExpiry, broker.RetainExpiry(one))
		}
		policy, err := account.ClientIDsOf(r, instance)
		if policy == account.RefuseNewcomer {
			out.Clash = broker.ClashRefuse
		}
		return err
	})
	return out, err
}

func (c *cloud) readInstance(id string) (in account.Instance, err error) {
	err = c.kept.View(context.Background(), func(r account.Reader) error {
		in, err = r.Instance(id)
		return err
	})
	return in, err
}

// exists says whether there is an instance; a store that fails answers no.
func (c *cloud) exists(instance string) bool {
	_, err := c.readInstance(instance)
	return err == nil
}

func number(port string) int {
	n, err := strconv.Atoi(port)
	if err != nil {
		return 0
	}
	return n
}

func plans(from []config.Plan) []account.Plan {
	var out []account.Plan
	for _, p := range from {
		out = append(out, account.Plan(p))
	}
	return out
}

func regions(from []config.Region) []account.Region {
	var out []account.Region
	for _, r := range from {
		out = append(out, account.Region(r))
	}
	return out
}
