package main

import (
	"context"
	"encoding/json"
	"io"
	"sort"
	"sync"
	"time"
)

// An answer that is wrong, or none. Times are Unix ms.
type failure struct {
	Client        string  `json:"client"`
	ID            string  `json:"id"`
	Case          string  `json:"case"`
	SentAtMs      float64 `json:"sentAtMs"`
	FailedAtMs    float64 `json:"failedAtMs"`
	ConnectedAtMs float64 `json:"connectedAtMs"`
	LocalPort     int     `json:"localPort"`
	Reused        bool    `json:"reused"`
	Why           string  `json:"why"`
}

// How one client has fared; times in ms.
type clientSummary struct {
	Client   string `json:"client"`
	Answered int    `json:"answered"`
	Failed   int    `json:"failed"`
	// Of those answered: sent again after a Retry-After, however it ended. What the API server repeats is not seen.
	Repeated       int     `json:"repeated"`
	NewConnections int     `json:"newConnections"`
	P50Ms          float64 `json:"p50Ms"`
	P99Ms          float64 `json:"p99Ms"`
	MaxMs          float64 `json:"maxMs"`
}

type tally struct {
	report *report
	clientSummary
	timesMs []float64
}

type report struct {
	mutex   sync.Mutex
	encoder *json.Encoder
	trust   *trust
	tallies []*tally
}

func newReport(out io.Writer, trust *trust) *report {
	return &report{encoder: json.NewEncoder(out), trust: trust}
}

func (r *report) tally(client string) *tally {
	t := &tally{report: r, clientSummary: clientSummary{Client: client}}
	r.tallies = append(r.tallies, t)
	return t
}

func unixMs(at time.Time) float64 {
	if at.IsZero() {
		return 0
	}
	return float64(at.UnixMicro()) / 1_000
}

func (t *tally) count(s snapshot, conn connection, sentAt time.Time, took time.Duration, why string) {
	t.report.mutex.Lock()
	defer t.report.mutex.Unlock()
	t.Answered++
	if conn.Repeats > 0 {
		t.Repeated++
	}
	if !conn.Reused {
		t.NewConnections++
	}
	t.timesMs = append(t.timesMs, float64(took.Microseconds())/1_000)
	if why == "" {
		return
	}
	t.Failed++
	t.report.emit("failure", failure{
		Client: t.Client, ID: s.uid, Case: s.Name, SentAtMs: unixMs(sentAt), FailedAtMs: unixMs(sentAt.Add(took)),
		ConnectedAtMs: unixMs(conn.ConnectedAt), LocalPort: conn.Port, Reused: conn.Reused, Why: why,
	})
}

// The caller holds the lock.
func (r *report) emit(kind string, value any) {
	_ = r.encoder.Encode(map[string]any{kind: value})
}

func (r *report) everySecond(ctx context.Context) {
	for sleep(ctx, time.Second) {
		r.mutex.Lock()
		r.emit("progress", r.counts())
		r.mutex.Unlock()
	}
}

func (r *report) counts() []clientSummary {
	counts := make([]clientSummary, 0, len(r.tallies))
	for _, each := range r.tallies {
		counts = append(counts, each.clientSummary)
	}
	return counts
}

func (r *report) summary() {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	for _, each := range r.tallies {
		sort.Float64s(each.timesMs)
		each.P50Ms, each.P99Ms, each.MaxMs = each.percentile(0.5), each.percentile(0.99), each.percentile(1)
	}
	_, changes := r.trust.current()
	r.emit("summary", map[string]any{"clients": r.counts(), "bundles": changes})
}

func (t *tally) percentile(share float64) float64 {
	if len(t.timesMs) == 0 {
		return 0
	}
	return t.timesMs[min(len(t.timesMs)-1, int(share*float64(len(t.timesMs))))]
}
