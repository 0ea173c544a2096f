package account

import (
	"encoding/json"
	"math"
	"slices"
)

// hook plans one hook. Mail goes to no others than people of the instance.
func (w *restoring) hook(r Reader, people []Account) func(int, PortableHook) error {
	plan := w.s.Plan(w.in.Plan)
	return func(i int, p PortableHook) error {
		if p.Action == HookMail {
			p.MailTo = slices.DeleteFunc(slices.Clone(p.MailTo), func(to string) bool {
				return !slices.ContainsFunc(people, func(a Account) bool { return a.Email == to })
			})
			if len(p.MailTo) == 0 {
				w.note("api.restore.readers", "name", clip(p.Name))
				return nil
			}
		}
		if p.HasAuthorization {
			p.Enabled = false
			w.note("api.restore.authorization", "name", clip(p.Name))
		}
		h := Hook{Instance: w.in.ID, ID: newID(), CreatedAt: w.at(i), Schedule: p.Schedule, Zone: p.Zone, URL: p.URL} // what is over or out of reach is no fault here
		err := w.s.applyHook(r, w.in, &h, HookChange{Name: &p.Name, Enabled: &p.Enabled, Events: &p.Events, Filter: &p.Filter, Client: &p.Client,
			Condition: &p.Condition, Action: &p.Action, URL: &p.URL, Topic: &p.Topic, Template: &p.Template, QoS: &p.QoS, Retain: &p.Retain, MailTo: &p.MailTo,
			Edge: &p.Edge, Rearm: &p.Rearm, Quiet: &p.Quiet, Together: &p.Together, Silence: &p.Silence})
		if err != nil {
			return err
		}
		if w.Hooks >= maxHooks || plan.Hooks > 0 && w.Hooks >= plan.Hooks {
			return fail(Limit, "api.hook.limit", "limit", least(maxHooks, plan.Hooks), "plan", plan.Name)
		}
		if h.Action == HookPost {
			w.note("api.restore.signing", "name", clip(p.Name))
		}
		w.rows = append(w.rows, h)
		w.Hooks++
		return nil
	}
}

// least is the bound that holds where a plan's may be 0, for none.
func least(most, plan int) int {
	if plan == 0 {
		plan = math.MaxInt
	}
	return min(most, plan)
}

// bridge plans one bridge, switched off.
func (w *restoring) bridge(i int, p PortableBridge) error {
	plan, off := w.s.Plan(w.in.Plan), false
	b := Bridge{Instance: w.in.ID, ID: newID(), CreatedAt: w.at(i), Address: p.Address}
	err := w.s.applyBridge(&b, BridgeChange{Name: &p.Name, Enabled: &off, Address: &p.Address, Roots: &p.Roots, ClientID: &p.ClientID, User: &p.User,
		Version: &p.Version, KeepAlive: &p.KeepAlive, Topics: &p.Topics})
	if err != nil {
		return err
	}
	if w.Bridges >= maxBridges || plan.Bridges > 0 && w.Bridges >= plan.Bridges {
		return fail(Limit, "api.bridge.limit", "limit", least(maxBridges, plan.Bridges), "plan", plan.Name)
	}
	w.note("api.restore.bridge", "name", clip(p.Name))
	w.rows = append(w.rows, b)
	w.Bridges++
	return nil
}

// judgeHistory plans which topics are kept.
func (w *restoring) judgeHistory() error {
	if err := checkHistory(w.s.Plan(w.in.Plan), w.from.History); err != nil {
		return w.fault(SourceInstance, 0, err)
	}
	if w.History = len(w.from.History); w.History == 0 {
		return nil
	}
	value, err := json.Marshal(w.from.History)
	w.rows = append(w.rows, Setting{Key: historySetting + w.in.ID, Value: value})
	return err
}

// judgeRetain plans how long retained messages stay.
func (w *restoring) judgeRetain() error {
	if err := checkRetainExpiries(w.from.Retain); err != nil {
		return w.fault(SourceInstance, 0, err)
	}
	if len(w.from.Retain) == 0 {
		return nil
	}
	row, err := RetainRow(w.in.ID, w.from.Retain)
	w.rows = append(w.rows, row)
	return err
}

// judgeClientIDs takes the policy of client ids along, where the file has another than the default.
func (w *restoring) judgeClientIDs(r Reader) error {
	p := w.from.ClientIDs
	if p == "" || p == TakeOver {
		return nil
	}
	if err := checkClientIDs(p); err != nil {
		return w.fault(SourceInstance, 0, err)
	}
	if have, err := ClientIDsOf(r, w.in.ID); err != nil || have == p {
		return err
	}
	w.rows = append(w.rows, ClientIDRow(w.in.ID, p))
	return nil
}
