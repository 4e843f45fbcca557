// Keeps a webhook busy: each connection asks again as soon as it is answered. Every answer is read to its end and looked
// at: its status, and whether it carries a patch. Requests are bytes made beforehand, sent in turn.
// In: the plan as JSON on stdin. Out: the result as JSON on stdout; "connected" on stderr when all connections are made.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"os"
	"sort"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

type plan struct {
	Address    string `json:"address"`
	ServerName string `json:"serverName"`
	// Certificates that are trusted, PEM; empty = any.
	Ca string `json:"ca"`
	// Whole requests, head and body.
	Requests    []string `json:"requests"`
	Connections int      `json:"connections"`
	Seconds     float64  `json:"seconds"`
}

// Times in ms, from the write of a request to the end of its answer.
type result struct {
	Seconds  float64 `json:"seconds"`
	Answered int64   `json:"answered"`
	// Requests that an overloaded server put off with 503; they are not among the answered ones.
	Shed int64 `json:"shed"`
	// Answers with another status than 200, without a patch, and connections that failed.
	Refused   int64   `json:"refused"`
	Unpatched int64   `json:"unpatched"`
	Broken    int64   `json:"broken"`
	FirstFail string  `json:"firstFail"`
	P50Ms     float64 `json:"p50Ms"`
	P99Ms     float64 `json:"p99Ms"`
	// Processor time of this client while it asked, s.
	CpuSeconds float64 `json:"cpuSeconds"`
}

type worker struct {
	ms                                []float64
	shed, refused, unpatched, answers int64
	err                               error
}

func main() {
	var p plan
	if err := json.NewDecoder(os.Stdin).Decode(&p); err != nil {
		fail(fmt.Errorf("standard input is not a plan: %w", err))
	}
	config, err := tlsConfig(p)
	if err != nil {
		fail(err)
	}
	requests := make([][]byte, len(p.Requests))
	for i, text := range p.Requests {
		requests[i] = []byte(text)
	}
	connections := make([]*connection, p.Connections)
	for i := range connections {
		if connections[i], err = connect(p.Address, config); err != nil {
			fail(err)
		}
	}
	fmt.Fprintln(os.Stderr, "connected")
	_ = json.NewEncoder(os.Stdout).Encode(ask(p, connections, requests))
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(2)
}

func tlsConfig(p plan) (*tls.Config, error) {
	if p.Ca == "" {
		return &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}, nil
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(p.Ca)) {
		return nil, fmt.Errorf("the CA holds no certificate")
	}
	return &tls.Config{RootCAs: pool, ServerName: p.ServerName, MinVersion: tls.VersionTLS12}, nil
}

func ask(p plan, connections []*connection, requests [][]byte) result {
	var next atomic.Int64
	var wait sync.WaitGroup
	workers := make([]worker, len(connections))
	began, cpuBegan := time.Now(), cpuSeconds()
	end := began.Add(time.Duration(p.Seconds * float64(time.Second)))
	for i, c := range connections {
		w := &workers[i]
		wait.Go(func() {
			for sent := time.Now(); sent.Before(end); {
				request := requests[(next.Add(1)-1)%int64(len(requests))]
				answer, err := c.post(request)
				if err != nil {
					w.err = err
					return
				}
				now := time.Now()
				w.note(answer, now.Sub(sent))
				sent = now
			}
		})
	}
	wait.Wait()
	total := result{Seconds: time.Since(began).Seconds(), CpuSeconds: cpuSeconds() - cpuBegan}
	total.add(workers)
	return total
}

func (w *worker) note(got answer, took time.Duration) {
	if got.status == 503 {
		w.shed++
		return
	}
	w.answers++
	w.ms = append(w.ms, took.Seconds()*1000)
	if got.status != 200 {
		w.refused++
	} else if !got.patched {
		w.unpatched++
	}
}

func (r *result) add(workers []worker) {
	var ms []float64
	for _, w := range workers {
		ms = append(ms, w.ms...)
		r.Answered += w.answers
		r.Shed += w.shed
		r.Refused += w.refused
		r.Unpatched += w.unpatched
		if w.err != nil {
			r.Broken++
			r.FirstFail = w.err.Error()
		}
	}
	if len(ms) == 0 {
		return
	}
	sort.Float64s(ms)
	at := func(share float64) float64 { return ms[int(share*float64(len(ms)-1))] }
	r.P50Ms, r.P99Ms = at(0.5), at(0.99)
}

func cpuSeconds() float64 {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	seconds := func(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }
	return seconds(usage.Utime) + seconds(usage.Stime)
}
