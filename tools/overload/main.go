// Offers a webhook more than it can do. A seat is a call in progress, as the API server limits them; each has a TLS
// connection of its own that is kept alive. Requests are bytes made beforehand and answers are hardly parsed, so that one
// core is enough for ten times what a gateway answers.
// In: the plan as JSON on stdin. Out: the result as JSON on stdout; "seated" on stderr when all connections are made.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"sort"
	"sync"
	"sync/atomic"
	"time"
)

type plan struct {
	Address string `json:"address"`
	// The whole request, head and body.
	Request string `json:"request"`
	Seats   int    `json:"seats"`
	// New calls per second; 0 = each seat calls again as soon as it is answered.
	PerSecond float64 `json:"perSecond"`
	// On 503 a call keeps its seat, waits as Retry-After says, and tries again, as client-go does.
	BacksOff  bool `json:"backsOff"`
	Seconds   int  `json:"seconds"`
	TimeoutMs int  `json:"timeoutMs"`
}

// Times in ms, from the moment a call gets its seat, and of an attempt from its write, to the answer.
type result struct {
	Seconds float64 `json:"seconds"`
	// Calls that were due, those that found a seat, and requests that were sent for them.
	Offered  int64 `json:"offered"`
	Seated   int64 `json:"seated"`
	Attempts int64 `json:"attempts"`
	// Calls that were admitted in time; attempts answered 503; calls that got no answer in time, or another one.
	Accepted int64 `json:"accepted"`
	Shed     int64 `json:"shed"`
	TimedOut int64 `json:"timedOut"`
	Failed   int64 `json:"failed"`
	// How calls failed, by the text of the error without addresses.
	Failures map[string]int `json:"failures"`
	P50Ms    float64        `json:"p50Ms"`
	P99Ms    float64        `json:"p99Ms"`
	MaxMs    float64        `json:"maxMs"`
	// Of the last attempt of admitted calls.
	AttemptP99Ms float64 `json:"attemptP99Ms"`
}

const mostTries = 10

type load struct {
	plan      plan
	result    result
	mutex     sync.Mutex
	callMs    []float64
	attemptMs []float64
	idle      chan *seat
}

func main() {
	var p plan
	if err := json.NewDecoder(os.Stdin).Decode(&p); err != nil {
		fmt.Fprintf(os.Stderr, "standard input is not a plan: %v\n", err)
		os.Exit(2)
	}
	l := &load{plan: p, idle: make(chan *seat, p.Seats)}
	l.result.Failures = map[string]int{}
	if err := l.takeSeats(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	fmt.Fprintln(os.Stderr, "seated")
	began := time.Now()
	l.offer()
	l.result.Seconds = time.Since(began).Seconds()
	// Calls in progress may end.
	for range p.Seats {
		<-l.idle
	}
	l.result.P50Ms, l.result.P99Ms, l.result.MaxMs = percentiles(l.callMs)
	_, l.result.AttemptP99Ms, _ = percentiles(l.attemptMs)
	_ = json.NewEncoder(os.Stdout).Encode(l.result)
}

// A few handshakes at once: all of them together would be a load of their own. Each has a first answer, whatever it is:
// a connection on which nothing was ever asked is closed soon.
func (l *load) takeSeats() error {
	const atOnce = 8
	var wait sync.WaitGroup
	var failed atomic.Pointer[error]
	left := make(chan struct{}, l.plan.Seats)
	for range l.plan.Seats {
		left <- struct{}{}
	}
	close(left)
	for range atOnce {
		wait.Go(func() {
			for range left {
				s := &seat{address: l.plan.Address, request: []byte(l.plan.Request)}
				if _, err := s.post(time.Now().Add(handshakeTimeout)); err != nil {
					failed.Store(&err)
				}
				l.idle <- s
			}
		})
	}
	wait.Wait()
	if err := failed.Load(); err != nil {
		return *err
	}
	return nil
}

func (l *load) offer() {
	end := time.Now().Add(time.Duration(l.plan.Seconds) * time.Second)
	if l.plan.PerSecond == 0 {
		for time.Now().Before(end) {
			s := <-l.idle
			l.result.Offered++
			l.result.Seated++
			go l.call(s)
		}
		return
	}
	began := time.Now()
	for time.Now().Before(end) {
		time.Sleep(time.Millisecond)
		due := int64(time.Since(began).Seconds() * l.plan.PerSecond)
		for ; l.result.Offered < due; l.result.Offered++ {
			select {
			case s := <-l.idle:
				l.result.Seated++
				go l.call(s)
			default:
			}
		}
	}
}

// One call: it ends with an answer, or with its timeout.
func (l *load) call(s *seat) {
	defer func() { l.idle <- s }()
	began := time.Now()
	deadline := began.Add(time.Duration(l.plan.TimeoutMs) * time.Millisecond)
	for try := 1; ; try++ {
		sent := time.Now()
		atomic.AddInt64(&l.result.Attempts, 1)
		answer, err := s.post(deadline)
		switch {
		case err != nil && !time.Now().Before(deadline):
			atomic.AddInt64(&l.result.TimedOut, 1)
			l.fail(err, answer)
			return
		case err != nil || (answer.status != 200 && answer.status != 503):
			atomic.AddInt64(&l.result.Failed, 1)
			l.fail(err, answer)
			return
		case answer.status == 200:
			l.accept(began, sent)
			return
		}
		atomic.AddInt64(&l.result.Shed, 1)
		pause := time.Duration(answer.retryAfter) * time.Second
		if !l.plan.BacksOff || try == mostTries || time.Now().Add(pause).After(deadline) {
			return
		}
		time.Sleep(pause)
	}
}

func (l *load) fail(err error, got answer) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	why := fmt.Sprintf("status %d", got.status)
	var operation *net.OpError
	switch {
	case errors.As(err, &operation):
		why = operation.Op + ": " + operation.Err.Error()
	case err != nil:
		why = err.Error()
	}
	l.result.Failures[why]++
}

func (l *load) accept(began, sent time.Time) {
	now := time.Now()
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.result.Accepted++
	l.callMs = append(l.callMs, now.Sub(began).Seconds()*1000)
	l.attemptMs = append(l.attemptMs, now.Sub(sent).Seconds()*1000)
}

func percentiles(ms []float64) (p50, p99, longest float64) {
	if len(ms) == 0 {
		return 0, 0, 0
	}
	sort.Float64s(ms)
	at := func(share float64) float64 { return ms[int(share*float64(len(ms)-1))] }
	return at(0.5), at(0.99), at(1)
}
