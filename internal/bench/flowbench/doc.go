// Command flowbench puts our flow runtime beside the real Node-RED: the same flow files, the same broker between, the
// same load in the same minutes. It is `make bench-flow`.
//
// What counts is the CPU time of the runtime's process, which a busy machine moves far less than wall time. Every answer
// is checked: nothing may be lost, wrong or out of order. Where Node-RED is not installed (see scripts/node-red) only our
// own figures are shown.
package main
