// Written by a person, with what real files have.
const path = require("path");
const secret = process.env.NODE_RED_SECRET || "a secret of " + ["the", "settings"].join(" ");

module.exports = {
    flowFile: "flows_pi.json",
    credentialSecret: secret,
    flowFilePretty: true,
    uiPort: process.env.PORT || 1889,
    uiHost: "127.0.0.1",
    httpAdminRoot: "/admin",
    httpNodeRoot: "/api",
    httpStatic: path.join(__dirname, "static"),
    adminAuth: {
        type: "credentials",
        users: [
            { username: "admin", password: "$2b$08$lsWAJu8obqZOIqnabmUVR.UEWsiVoZAATdTg1.Qz7xX46ef/mdCrK", permissions: "*" },
            { username: "guest", password: "$2b$08$lsWAJu8obqZOIqnabmUVR.UEWsiVoZAATdTg1.Qz7xX46ef/mdCrK", permissions: ["read"] },
        ],
    },
    contextStorage: {
        default: "file",
        memoryOnly: { module: "memory" },
        file: { module: "localfilesystem", config: { flushInterval: 1 } },
    },
    functionGlobalContext: { os: require("os") },
    functionExternalModules: true,
    logging: { console: { level: "warn", metrics: false, audit: false } },
    exportGlobalContextKeys: false,
    debugMaxLength: 1000,
    mqttReconnectTime: 15000,
    runtimeState: { enabled: true, ui: true },
    telemetry: { enabled: false, updateNotification: false },
    editorTheme: { projects: { enabled: false }, page: { title: "Pi in the cellar" } },
    https: undefined,
};
