package panel

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"tsunagi/internal/account"
	"tsunagi/internal/fault"
)

type testHookInput struct {
	OneHook
	Body struct {
		Type    account.HookEvent `json:"type,omitempty" enum:"message,connect,disconnect,quota,schedule,silence,back" doc:"Empty: the hook's first"`
		Topic   string            `json:"topic,omitempty" maxLength:"1024"`
		Payload string            `json:"payload,omitempty" maxLength:"16384"`
		Client  string            `json:"client,omitempty" maxLength:"256"`
	}
}

// testHook carries a hook out once, whether it is on or off, with an event whose id begins with msg_test_.
func (p *Panel) testHook(ctx context.Context, in *testHookInput) (*answer[HookTried], error) {
	h, err := p.o.Accounts.Hook(ctx, actor(ctx), in.ID, in.Hook)
	if err != nil {
		return nil, err
	}
	if p.o.Hooks == nil {
		return nil, &failure{status: 503}
	}
	e := HookSample{ID: rand.Text(), Type: string(in.Body.Type), Topic: in.Body.Topic, Payload: []byte(in.Body.Payload), Client: in.Body.Client, Time: time.Now().UTC()}
	if e.Type == "" {
		e.Type = string(h.Events[0])
	}
	if err := p.o.Accounts.AuditInstance(ctx, actor(ctx), in.ID, "hook.test", h.Name); err != nil {
		return nil, err
	}
	out, err := p.o.Hooks.Try(ctx, h, e)
	out.CauseTold = fault.Read(out.Cause)
	return reply(out), err
}

type deadLetterBody struct {
	ID        string          `json:"id"`
	Event     json.RawMessage `json:"event" doc:"The event as webhooks get it; a payload is cut at 4096 bytes"`
	Topic     string          `json:"topic"`
	Cause     string          `json:"cause" doc:"Why the last attempt failed, in words"`
	CauseTold *fault.Told     `json:"cause_told,omitempty" doc:"The same as code and parameters; missing where it is none of the known ones"`
	Attempts  int             `json:"attempts"`
	CreatedAt time.Time       `json:"created_at"`
}

func showDeadLetter(d account.DeadLetter) deadLetterBody {
	out := deadLetterBody{ID: strconv.FormatInt(d.ID, 10), Topic: d.Topic, Cause: d.Cause, CauseTold: fault.Read(d.Cause), Attempts: d.Attempts, CreatedAt: d.CreatedAt, Event: d.Body}
	var event map[string]any
	if len(d.Body) > shownPayload && json.Unmarshal(d.Body, &event) == nil {
		if text, ok := event["payload"].(string); ok && len(text) > shownPayload {
			cut := []rune(text[:shownPayload])
			event["payload"], event["cut"] = string(cut[:len(cut)-1]), true // the last one may be half of a character
		}
		if short, err := json.Marshal(event); err == nil {
			out.Event = short
		}
	}
	return out
}

type listDeadLettersInput struct {
	OneHook
	Before int64 `query:"cursor" minimum:"0" doc:"Those with a lower id only"`
	Limit  int   `query:"limit" minimum:"0" maximum:"1000" doc:"0: 100"`
}

func (p *Panel) listDeadLetters(ctx context.Context, in *listDeadLettersInput) (*answer[page[deadLetterBody]], error) {
	list, total, err := p.o.Accounts.DeadLetters(ctx, actor(ctx), account.DeadLetterQuery{Instance: in.ID, Hook: in.Hook, Before: in.Before, Limit: in.Limit})
	if err != nil {
		return nil, err
	}
	out := pageOf(list, showDeadLetter)
	if out.Total = total; len(list) == account.PageSize(in.Limit) {
		out.Next = fmt.Sprint(list[len(list)-1].ID)
	}
	return reply(out), nil
}

type someDeadLettersInput struct {
	OneHook
	Body struct {
		IDs []string `json:"ids,omitempty" maxItems:"1000" doc:"Empty: all"`
	}
}

func (in *someDeadLettersInput) ids() ([]int64, error) {
	var ids []int64
	for _, s := range in.Body.IDs {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return nil, &account.Error{Code: account.Invalid, Key: "api.invalid", Field: "ids"}
		}
		ids = append(ids, n)
	}
	return ids, nil
}

type droppedBody struct {
	Count int `json:"count" doc:"Dead letters that were deleted"`
}

func (p *Panel) dropDeadLetters(ctx context.Context, in *someDeadLettersInput) (*answer[droppedBody], error) {
	ids, err := in.ids()
	if err != nil {
		return nil, err
	}
	n, err := p.o.Accounts.DropDeadLetters(ctx, actor(ctx), in.ID, in.Hook, ids)
	return reply(droppedBody{n}), err
}

type retriedBody struct {
	Delivered int         `json:"delivered" doc:"That are dead letters no more"`
	Failed    int         `json:"failed" doc:"That were tried and stay"`
	Left      int         `json:"left" doc:"Of the hook, in all"`
	Cause     string      `json:"cause,omitempty" doc:"Why one of them failed, in words"`
	CauseTold *fault.Told `json:"cause_told,omitempty" doc:"The same as code and parameters; missing where it is none of the known ones"`
}

// retryDeadLetters tries dead letters once more; those that arrive are deleted.
func (p *Panel) retryDeadLetters(ctx context.Context, in *someDeadLettersInput) (*answer[retriedBody], error) {
	ids, err := in.ids()
	if err != nil {
		return nil, err
	}
	if p.o.Hooks == nil {
		return nil, &failure{status: 503}
	}
	out, err := p.o.Accounts.RetryDeadLetters(ctx, actor(ctx), in.ID, in.Hook, ids, p.o.Hooks.Again)
	return reply(retriedBody{out.Delivered, out.Failed, out.Left, out.Cause, fault.Read(out.Cause)}), err
}
