package app

import "testing"

func TestHostedBoundsFitThePlan(t *testing.T) {
	for _, mb := range []int{64, 128, 256, 1024} {
		o := hostedBounds(mb)
		if sum := o.QueueBytes + o.KeptBytes + int(o.FunctionBytes); o.QueueBytes <= 0 || o.KeptBytes <= 0 || o.FunctionBytes <= 0 || sum > mb<<20*3/4 {
			t.Errorf("%d MiB: %+v", mb, o)
		}
	}
	if o := hostedBounds(0); o.QueueBytes != 0 || o.KeptBytes != 0 || o.FunctionBytes != 0 {
		t.Errorf("without a limit the defaults hold, not %+v", o)
	}
}
