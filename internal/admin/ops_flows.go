package admin

// flowOps are the operations about flow servers and devices.
func flowOps() []operation {
	flowCols := "ID=id NAME=name STATE=state CAUSE=cause MEMORY_MB=memory_mb CPU=cpu_percent RESTARTS=restarts URL=url"
	deviceCols := "ID=id NAME=name ONLINE=online VERSION=version INSTANCE=instance USER=user FROM=remote SEEN=seen_at LABELS=labels"
	meter := view{from: "nodes", cols: "ID=id TYPE=type NAME=name CPU=cpu RECEIVED=received SENT=sent QUEUED=queued BYTES=bytes"}
	seconds := opt("seconds", number, "how long it is watched")
	const one, snapshot = "/devices/DEVICE", "/devices/DEVICE/snapshots/SNAPSHOT"
	return []operation{
		op("flow create", "NAME", "POST /flow-servers", "make a hosted flow server", view{cols: flowCols}).ofAccount(),
		op("flow list", "", "GET /flow-servers", "list hosted flow servers", view{cols: flowCols}, opt("account", text, "those of an account, by e-mail or id [everybody's]").as("@")),
		op("flow show", "FLOW", "GET /flow-servers/FLOW", "show a hosted flow server", view{}),
		op("flow restart", "FLOW", "POST /flow-servers/FLOW/restart", "restart a hosted flow server", view{cols: flowCols}),
		op("flow meter", "FLOW", "GET /flow-servers/FLOW/meter", "show what each node costs", meter, seconds),
		op("flow delete", "FLOW", "DELETE /flow-servers/FLOW", "delete a hosted flow server with its flows", view{}).really("this deletes the flows, too"),

		op("device pair", "INSTANCE NAME", "POST /devices/codes", "make a single-use code that pairs a device; minutes long", view{cols: "CODE=code COMMAND=command EXPIRES=expires FILTER=filter"},
			opt("filter", text, "topics that it may use [its own]")).ofAccount(),
		op("device list", "", "GET /devices", "list paired devices", view{cols: deviceCols}, opt("account", text, "those of an account, by e-mail or id [everybody's]").as("@")),
		op("device show", "DEVICE", "GET "+one, "show a device", view{}),
		op("device set", "DEVICE", "PATCH "+one, "change a device", view{cols: deviceCols}, opt("name", text, "name"), opt("remote-editing", yes, "its editor can be reached: --remote-editing or --remote-editing=false"),
			opt("pages", text, "who sees the pages of its flows: people, public or none"), opt("labels", words, "groups that it is in")),
		op("device rotate", "DEVICE", "POST "+one+"/rotate", "have a device change its key and MQTT password", view{}),
		op("device figures", "DEVICE", "GET "+one+"/figures", "show how a device is: memory, processor, disk, flows", view{}),
		op("device log", "DEVICE", "GET "+one+"/log", "print the last lines of its log", view{from: "lines", cols: "LINE="}, opt("after", number, "lines behind this one only")),
		op("device restart", "DEVICE", "POST "+one+"/restart", "restart the program of a device", view{}),
		op("device update", "DEVICE", "POST "+one+"/update", "put the release that is ready on a device; it goes back by itself when that does not come up", view{}),
		op("device meter", "DEVICE", "GET "+one+"/meter", "show what each node costs", meter, seconds),
		op("device unpair", "DEVICE", "DELETE "+one, "unpair a device; its MQTT user is deleted", view{}).really("the device has to be paired again"),

		op("snapshot list", "DEVICE", "GET "+one+"/snapshots", "list the former deploys that a device keeps", view{from: "snapshots", cols: "ID=id TIME=time TYPE=type NAME=name NODES=nodes BYTES=bytes USER=user"}),
		op("snapshot diff", "DEVICE SNAPSHOT", "GET "+snapshot+"/diff", "show how to get from a snapshot to what is deployed", view{}, opt("with", text, "another snapshot")),
		op("snapshot name", "DEVICE SNAPSHOT NAME", "PATCH "+snapshot, "name a snapshot", view{}),
		op("snapshot restore", "DEVICE SNAPSHOT", "POST "+snapshot+"/restore", "deploy a snapshot on its device again", view{}),
		op("snapshot push", "DEVICE SNAPSHOT", "POST "+snapshot+"/push", "deploy a snapshot on other devices; exits with 1 where one does not take it", view{cols: "DEVICE=device NAME=name OK=ok ERROR=error", check: pushFails},
			opt("devices", words, "devices, by id"), opt("label", text, "all devices of a group")),
	}
}
