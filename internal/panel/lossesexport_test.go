package panel

// KnowsLoss says whether there is something to say about a cause of lost messages.
func KnowsLoss(cause string) bool { _, ok := lossKinds[cause]; return ok }
