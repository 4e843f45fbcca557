// Posts twice on a connection with a rest between, as kube-apiserver does (net/http with client-go's pool; a POST is never
// repeated), on many transports at once, each with its own rest. What is counted is what happens to the second request.
// In: the plan as JSON on stdin. Out: the result as JSON on stdout; "rested" on stderr when all first requests are answered.
package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"strings"
	"sync"
	"time"
)

type plan struct {
	URL  string `json:"url"`
	Body string `json:"body"`
	// One transport each: the rest between its two requests.
	RestsMs []float64 `json:"restsMs"`
	// Unix ms from which all rests count; 0 = from each one's own first answer.
	FromMs float64 `json:"fromMs"`
	// Added to every write and every read: on loopback alone a race would hardly show.
	OneWayMs float64 `json:"oneWayMs"`
}

// A second request that got no answer.
type failure struct {
	RestMs float64 `json:"restMs"`
	Why    string  `json:"why"`
}

type result struct {
	Pairs int `json:"pairs"`
	// Second requests answered with 200 on the first one's connection, and on another.
	Reused int `json:"reused"`
	Fresh  int `json:"fresh"`
	// Answered with 503 and Retry-After, which the API server repeats.
	ToldToRepeat int `json:"toldToRepeat"`
	// No server listened any more: nothing was sent.
	Refused int `json:"refused"`
	// EOF, reset, any other status: the admission would have failed.
	Lost     int       `json:"lost"`
	Failures []failure `json:"failures"`
}

const (
	shownFailures    = 20
	handshakesAtOnce = 16
	timeout          = 30 * time.Second
)

func main() {
	var p plan
	if err := json.NewDecoder(os.Stdin).Decode(&p); err != nil {
		fmt.Fprintf(os.Stderr, "standard input is not a plan: %v\n", err)
		os.Exit(2)
	}
	result, err := run(p)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	_ = json.NewEncoder(os.Stdout).Encode(result)
}

func run(p plan) (*result, error) {
	total := &result{Pairs: len(p.RestsMs), Failures: []failure{}}
	var mutex sync.Mutex
	var firsts, seconds sync.WaitGroup
	var firstError error
	free := make(chan struct{}, handshakesAtOnce)
	for _, restMs := range p.RestsMs {
		firsts.Add(1)
		seconds.Add(1)
		go func() {
			defer seconds.Done()
			client := newClient(p)
			free <- struct{}{}
			_, status, err := post(client, p)
			<-free
			if err == nil && status.code != http.StatusOK {
				err = fmt.Errorf("status %d", status.code)
			}
			mutex.Lock()
			if err != nil && firstError == nil {
				firstError = fmt.Errorf("a first request failed: %w", err)
			}
			mutex.Unlock()
			firsts.Done()
			if err != nil {
				return
			}
			sleep(p.FromMs, restMs)
			reused, status, err := post(client, p)
			mutex.Lock()
			total.count(restMs, reused, status, err)
			mutex.Unlock()
		}()
	}
	firsts.Wait()
	fmt.Fprintln(os.Stderr, "rested")
	seconds.Wait()
	return total, firstError
}

func sleep(fromMs, restMs float64) {
	rest := time.Duration(restMs * float64(time.Millisecond))
	if fromMs > 0 {
		rest += time.Until(time.UnixMicro(int64(fromMs * 1000)))
	}
	time.Sleep(rest)
}

func (r *result) count(restMs float64, reused bool, status answer, err error) {
	switch {
	case err == nil && status.code == http.StatusOK && reused:
		r.Reused++
	case err == nil && status.code == http.StatusOK:
		r.Fresh++
	case err == nil && status.code == http.StatusServiceUnavailable && status.retryAfter != "":
		r.ToldToRepeat++
	case err != nil && strings.Contains(err.Error(), "connection refused"):
		r.Refused++
	default:
		r.Lost++
		if len(r.Failures) < shownFailures {
			why := fmt.Sprintf("status %d", status.code)
			if err != nil {
				why = err.Error()
			}
			r.Failures = append(r.Failures, failure{RestMs: restMs, Why: why})
		}
	}
}

type answer struct {
	code       int
	retryAfter string
}

func post(client *http.Client, p plan) (bool, answer, error) {
	reused := false
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) { reused = info.Reused },
	})
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.URL, bytes.NewReader([]byte(p.Body)))
	if err != nil {
		return false, answer{}, err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	if err != nil {
		return reused, answer{}, err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return reused, answer{response.StatusCode, response.Header.Get("Retry-After")}, err
}

// As client-go makes it (docs/reference/kube-apiserver.md C1, C3). What is measured is the connection, not the
// certificate.
func newClient(p plan) *http.Client {
	dialer := &net.Dialer{Timeout: timeout, KeepAlive: 30 * time.Second}
	oneWay := time.Duration(p.OneWayMs * float64(time.Millisecond))
	return &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dialer.DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return &distantConn{Conn: conn, oneWay: oneWay}, nil
		},
		TLSClientConfig:     &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout: 10 * time.Second,
		MaxIdleConnsPerHost: 25,
		IdleConnTimeout:     90 * time.Second,
	}}
}

// A connection to a server farther away.
type distantConn struct {
	net.Conn
	oneWay time.Duration
}

func (c *distantConn) Write(bytes []byte) (int, error) {
	time.Sleep(c.oneWay)
	return c.Conn.Write(bytes)
}

func (c *distantConn) Read(bytes []byte) (int, error) {
	n, err := c.Conn.Read(bytes)
	time.Sleep(c.oneWay)
	return n, err
}
