// Package flow runs Node-RED flows: one event loop per Runtime that owns every node and
// delivers every message, in the order and with the clone rules of Node-RED 5.
//
// A File is what the editor saves; Deploy makes it run and touches only what Node-RED would
// touch. What the editor shows of a running flow leaves through Options.Events. The package
// knows no HTTP and no storage of flows; package editor has both.
package flow
