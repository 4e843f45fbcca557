package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"sync"
	"time"
)

type webhookTarget struct {
	// host:port of the Service.
	Address    string `json:"address"`
	ServerName string `json:"serverName"`
	// With its query, as the API server asks.
	Path      string `json:"path"`
	TimeoutMs int    `json:"timeoutMs"`
}

// Which connection a request used; Port is the client's own, 0 when there was none. One that was repeated used several:
// this is the last.
type connection struct {
	Port        int
	ConnectedAt time.Time
	Reused      bool
	// How often the server had it sent again (Retry-After).
	Repeats int
}

// client-go's defaults, and how often a Retry-After is followed (docs/reference/kube-apiserver.md C3, C8).
const (
	mostIdle         = 25
	idleTimeout      = 90 * time.Second
	handshakeTimeout = 10 * time.Second
	mostRetries      = 10
	bodyLimit        = 8 << 20
)

// The bundle in the webhook configuration, as it is now.
type trust struct {
	mutex   sync.Mutex
	bundle  string
	changes int
}

func newTrust() *trust { return &trust{} }

func (t *trust) set(bundle string) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if bundle == t.bundle {
		return
	}
	t.bundle = bundle
	t.changes++
}

func (t *trust) current() (bundle string, changes int) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	return t.bundle, t.changes
}

// Like the API server's webhook clients: one transport for each bundle, and hence new connections for a new one
// (docs/reference/kube-apiserver.md C4).
type webhookClient struct {
	target     webhookTarget
	trust      *trust
	keepAlive  bool
	mutex      sync.Mutex
	transports map[string]*http.Transport
}

func newWebhookClient(target webhookTarget, trust *trust, keepAlive bool) *webhookClient {
	return &webhookClient{
		target: target, trust: trust, keepAlive: keepAlive, transports: map[string]*http.Transport{},
	}
}

func (c *webhookClient) transport() *http.Transport {
	bundle, _ := c.trust.current()
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.transports[bundle] == nil {
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM([]byte(bundle))
		config := &tls.Config{
			RootCAs: roots, ServerName: c.target.ServerName, MinVersion: tls.VersionTLS12,
			NextProtos: []string{"http/1.1"},
		}
		c.transports[bundle] = &http.Transport{
			DialTLSContext:      dialer(config),
			MaxIdleConnsPerHost: mostIdle,
			IdleConnTimeout:     idleTimeout,
			DisableKeepAlives:   !c.keepAlive,
		}
	}
	return c.transports[bundle]
}

// A connection that remembers since when it is there.
type datedConn struct {
	*tls.Conn
	at time.Time
}

// A connection that could not be made: the port tells the balancer's side of it.
type connectError struct {
	connection
	error
}

func (e connectError) Unwrap() error { return e.error }

func dialer(config *tls.Config) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
		defer cancel()
		at := time.Now()
		plain, err := (&net.Dialer{KeepAlive: 30 * time.Second}).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		secured := tls.Client(plain, config)
		if err := secured.HandshakeContext(ctx); err != nil {
			_ = plain.Close()
			return nil, connectError{connection{Port: portOf(plain), ConnectedAt: at}, err}
		}
		return datedConn{secured, at}, nil
	}
}

func portOf(conn net.Conn) int {
	if address, ok := conn.LocalAddr().(*net.TCPAddr); ok {
		return address.Port
	}
	return 0
}

// One review, repeated only where the server says when (Retry-After) and the time allows it.
func (c *webhookClient) review(ctx context.Context, s snapshot) (answer, connection, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(c.target.TimeoutMs)*time.Millisecond)
	defer cancel()
	for attempt := 0; ; attempt++ {
		response, conn, err := c.post(ctx, s.body)
		conn.Repeats = attempt
		if err != nil {
			return answer{}, conn, err
		}
		body, err := io.ReadAll(io.LimitReader(response.Body, bodyLimit))
		_ = response.Body.Close()
		if err != nil {
			return answer{}, conn, err
		}
		seconds, wait := retryAfter(response)
		if wait && attempt < mostRetries && sleep(ctx, time.Duration(seconds)*time.Second) {
			continue
		}
		if response.StatusCode < 200 || response.StatusCode > 206 {
			return answer{}, conn, fmt.Errorf("HTTP %d: %.200s", response.StatusCode, body)
		}
		got, err := readReview(body, s.uid)
		return got, conn, err
	}
}

func (c *webhookClient) post(ctx context.Context, body []byte) (*http.Response, connection, error) {
	var conn connection
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(got httptrace.GotConnInfo) {
		conn = connection{Port: portOf(got.Conn), Reused: got.Reused}
		if dated, ok := got.Conn.(datedConn); ok {
			conn.ConnectedAt = dated.at
		}
	}})
	url := "https://" + c.target.Address + c.target.Path
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return nil, conn, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/json, */*")
	response, err := c.transport().RoundTrip(request)
	var failed connectError
	if errors.As(err, &failed) {
		conn = failed.connection
	}
	return response, conn, err
}

func retryAfter(response *http.Response) (seconds int, ok bool) {
	if response.StatusCode != http.StatusTooManyRequests && response.StatusCode < 500 {
		return 0, false
	}
	seconds, err := strconv.Atoi(response.Header.Get("Retry-After"))
	return seconds, err == nil
}

func sleep(ctx context.Context, duration time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(duration):
		return true
	}
}

// What the API server checks of a v1 review (docs/reference/kube-apiserver.md C13, C15).
func readReview(body []byte, uid string) (answer, error) {
	var review struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
		Response   *struct {
			UID       string `json:"uid"`
			Allowed   bool   `json:"allowed"`
			PatchType string `json:"patchType"`
			Patch     string `json:"patch"`
			Status    struct {
				Code int `json:"code"`
			} `json:"status"`
		} `json:"response"`
	}
	if err := json.Unmarshal(body, &review); err != nil {
		return answer{}, fmt.Errorf("the answer is not JSON: %w", err)
	}
	response := review.Response
	if review.APIVersion != "admission.k8s.io/v1" || review.Kind != "AdmissionReview" || response == nil ||
		response.UID != uid || (response.PatchType != "") != (response.Patch != "") {
		return answer{}, fmt.Errorf("not a review of this request: %.200s", body)
	}
	if !response.Allowed {
		return answer{Code: response.Status.Code}, nil
	}
	return answer{Code: http.StatusOK, Patch: response.Patch}, nil
}
