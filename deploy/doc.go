// Package deploy holds what puts Tsunagi on other machines: files of packagers and hosting platforms, which no Go code
// reads but the tests here. They want each to name real settings, ports and files of this program.
package deploy
