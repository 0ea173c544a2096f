package app

import (
	"context"

	"tsunagi/internal/admin"
	"tsunagi/internal/bench"
	"tsunagi/internal/cli"
	"tsunagi/internal/config"
	"tsunagi/internal/trust"
)

// commands are all words that may follow `tsunagi`.
func commands() []command {
	return []command{
		{"serve", "the cloud side: brokers, accounts, panel, API, hosted flow servers", serve},
		{"flow", "one flow server: Node-RED's editor and flows, on a device or anywhere", flowCommand},
		{"admin", "accounts, instances and users from scripts, on the server's own machine", func(ctx context.Context, args []string, s Streams) int {
			return admin.Run(ctx, args, s.In, s.Out, s.Err, s.Environ)
		}},
		{"release", "sign programs that the panel may put on devices", releaseCommand},
		{"bench", "measure any MQTT broker; `bench compare` puts ours beside Mosquitto", func(ctx context.Context, args []string, s Streams) int {
			return bench.Bench(ctx, args, s.Out, s.Err)
		}},
		{"pub", "publish messages, with the options of mosquitto_pub", func(ctx context.Context, args []string, s Streams) int {
			return cli.Pub(ctx, args, s.In, s.Out, s.Err)
		}},
		{"sub", "subscribe and print messages, with the options of mosquitto_sub", func(ctx context.Context, args []string, s Streams) int {
			return cli.Sub(ctx, args, s.In, s.Out, s.Err)
		}},
		{"backup", "write everything of a data directory into one file, also while `serve` runs", backupCommand},
		{"restore", "put a backup into an empty data directory", restoreCommand},
		{"trust", "put the local authority into this machine's and its browsers' trust stores", func(ctx context.Context, args []string, s Streams) int {
			return trust.Here().Command(ctx, args, s.Out, s.Err)
		}},
		{"version", "print the version; with --notices the licences of what is shipped", version},
	}
}

// serve is `tsunagi serve`.
func serve(ctx context.Context, args []string, s Streams) int {
	var cfg config.Serve
	if code, done := settingsOf("serve", "Runs the cloud side: MQTT brokers, accounts, panel, API and hosted flow servers.", &cfg, args, s); done {
		return code
	}
	log := newLog(cfg.Log, s.Err)
	if cfg.Dev {
		return exitCode("serve", serveDev(ctx, &cfg, log, s), s)
	}
	return exitCode("serve", serveCloud(ctx, &cfg, log, s), s)
}
