module.exports = { uiPort: 1889, uiHost: "127.0.0.1", telemetry: { enabled: false, updateNotification: false } };
