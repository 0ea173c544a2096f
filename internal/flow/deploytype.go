package flow

// DeployType says how much of the running flows a deploy may restart.
type DeployType string

// The types of the editor's deploy menu.
const (
	DeployFull   DeployType = "full"   // everything
	DeployFlows  DeployType = "flows"  // tabs that hold a change
	DeployNodes  DeployType = "nodes"  // changed nodes
	DeployReload DeployType = "reload" // everything, with what is stored
)
