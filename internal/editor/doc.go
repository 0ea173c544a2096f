// Package editor serves Node-RED's own editor, unmodified, in front of a flow runtime: the admin HTTP API, the comms
// WebSocket, sign-in, and the files in which flows, credentials and user settings are kept.
//
// A Server is an http.Handler for one origin. It starts nothing by itself; Load reads what is stored and deploys it.
// What running flows want to tell browsers goes through Comms, which exists before the runtime does.
package editor
