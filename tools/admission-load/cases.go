package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"sync"
	"time"
)

// A pod that is asked for again and again: as a review for the webhook, and as the body of its creation.
type requestCase struct {
	Name      string          `json:"name"`
	Review    json.RawMessage `json:"review"`
	Pod       json.RawMessage `json:"pod"`
	Namespace string          `json:"namespace"`
	Accept    []answer        `json:"accept"`
}

// What was answered. Code 200 = admitted; then the patch as base64 text (webhook), or the pod's spec (API server).
type answer struct {
	Code  int             `json:"code"`
	Patch string          `json:"patch,omitempty"`
	Spec  json.RawMessage `json:"spec,omitempty"`
}

// A case as it stands when a request is sent.
type snapshot struct {
	*requestCase
	// The review as it is sent, with this uid.
	body   []byte
	uid    string
	accept []answer
}

type cases struct {
	mutex sync.Mutex
	list  []*requestCase
	// The uid that every review of the plan has.
	uid  string
	turn int
}

func newCases(list []requestCase, uid string) *cases {
	c := &cases{uid: uid}
	for index := range list {
		list[index].Accept = canonical(list[index].Accept)
		c.list = append(c.list, &list[index])
	}
	return c
}

func (c *cases) next() snapshot {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	chosen := c.list[c.turn%len(c.list)]
	c.turn++
	uid := newUID()
	body := bytes.Replace(chosen.Review, []byte(c.uid), []byte(uid), 1)
	return snapshot{requestCase: chosen, body: body, uid: uid, accept: chosen.Accept}
}

func (c *cases) accept(name string, accept []answer) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for _, each := range c.list {
		if each.Name == name {
			each.Accept = canonical(accept)
		}
	}
}

func canonical(answers []answer) []answer {
	result := make([]answer, 0, len(answers))
	for _, each := range answers {
		each.Spec = canonicalJSON(each.Spec)
		result = append(result, each)
	}
	return result
}

// The same value gives the same bytes: members sorted, no white space.
func canonicalJSON(text json.RawMessage) json.RawMessage {
	var value any
	if len(text) == 0 || json.Unmarshal(text, &value) != nil {
		return nil
	}
	sorted, _ := json.Marshal(value)
	return sorted
}

func newUID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b)
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// Sends one request and counts how its answer is judged; one that the end of the load cut off is not counted.
func judge(ctx context.Context, s snapshot, send send, tally *tally) {
	sentAt := time.Now()
	got, conn, err := send(ctx, s)
	took := time.Since(sentAt)
	if ctx.Err() != nil {
		return
	}
	why := ""
	if err != nil {
		why = err.Error()
	} else if !accepted(got, s.accept) {
		why = fmt.Sprintf("answered %s, wanted %s", describe(got), describeAll(s.accept))
	}
	tally.count(s, conn, sentAt, took, why)
}

func accepted(got answer, wanted []answer) bool {
	for _, each := range wanted {
		if got.Code != each.Code {
			continue
		}
		if got.Code != 200 || (got.Spec == nil && got.Patch == each.Patch) ||
			(got.Spec != nil && bytes.Equal(got.Spec, each.Spec)) {
			return true
		}
	}
	return false
}

func describe(a answer) string {
	if a.Code != 200 {
		return fmt.Sprintf("%d", a.Code)
	}
	if a.Spec != nil {
		return "200 " + string(a.Spec)
	}
	return "200 " + a.Patch
}

func describeAll(answers []answer) string {
	text := ""
	for index, each := range answers {
		if index > 0 {
			text += " or "
		}
		text += fmt.Sprintf("%d", each.Code)
	}
	return text
}
