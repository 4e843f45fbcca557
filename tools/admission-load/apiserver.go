package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

type apiTarget struct {
	URL   string `json:"url"`
	CA    string `json:"ca"`
	Token string `json:"token"`
	// Name of the MutatingWebhookConfiguration whose bundle is trusted.
	Configuration string `json:"configuration"`
	// Name of its webhook.
	Webhook string `json:"webhook"`
}

const (
	requestTimeout = 15 * time.Second
	watchTimeout   = 300
)

// How the API server is reached is no part of what is measured.
var pooled = connection{Reused: true}

type apiClient struct {
	target apiTarget
	http   *http.Client
}

func newAPIClient(target apiTarget) (*apiClient, error) {
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(target.CA)) {
		return nil, fmt.Errorf("apiServer.ca holds no certificate")
	}
	transport := &http.Transport{
		TLSClientConfig:     &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		MaxIdleConnsPerHost: mostIdle,
		ForceAttemptHTTP2:   true,
	}
	return &apiClient{target: target, http: &http.Client{Transport: transport}}, nil
}

func (c *apiClient) call(ctx context.Context, method, path string, body []byte) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, c.target.URL+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+c.target.Token)
	request.Header.Set("Content-Type", "application/json")
	return c.http.Do(request)
}

// Creates the pod of a case; one that was stored is deleted again.
func (c *apiClient) create(dryRun bool) send {
	query := ""
	if dryRun {
		query = "?dryRun=All"
	}
	return func(ctx context.Context, s snapshot) (answer, connection, error) {
		ctx, cancel := context.WithTimeout(ctx, requestTimeout)
		defer cancel()
		pods := "/api/v1/namespaces/" + s.Namespace + "/pods"
		response, err := c.call(ctx, http.MethodPost, pods+query, s.Pod)
		if err != nil {
			return answer{}, pooled, err
		}
		body, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if err != nil {
			return answer{}, pooled, err
		}
		if response.StatusCode != http.StatusCreated {
			got, err := readDenial(response.StatusCode, body)
			return got, pooled, err
		}
		var pod struct {
			Metadata struct {
				Name string `json:"name"`
			} `json:"metadata"`
			Spec json.RawMessage `json:"spec"`
		}
		if err := json.Unmarshal(body, &pod); err != nil {
			return answer{}, pooled, err
		}
		if !dryRun {
			c.remove(ctx, pods+"/"+pod.Metadata.Name)
		}
		return answer{Code: http.StatusOK, Spec: canonicalJSON(pod.Spec)}, pooled, nil
	}
}

func (c *apiClient) remove(ctx context.Context, path string) {
	if response, err := c.call(ctx, http.MethodDelete, path+"?gracePeriodSeconds=0", nil); err == nil {
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
	}
}

// The webhook's own denial has its name in front; everything else is a failure of the call or of the API server.
func readDenial(httpStatus int, body []byte) (answer, error) {
	var status struct {
		Message string `json:"message"`
		Code    int    `json:"code"`
	}
	if err := json.Unmarshal(body, &status); err != nil ||
		!strings.HasPrefix(status.Message, "admission webhook ") {
		return answer{}, fmt.Errorf("HTTP %d: %.400s", httpStatus, body)
	}
	return answer{Code: status.Code}, nil
}

type configuration struct {
	Metadata struct {
		ResourceVersion string `json:"resourceVersion"`
	} `json:"metadata"`
	Webhooks []struct {
		Name         string `json:"name"`
		ClientConfig struct {
			CABundle string `json:"caBundle"`
		} `json:"clientConfig"`
	} `json:"webhooks"`
}

// Reads the bundle, then follows it as the API server's own informer does, until the context ends.
func (c *apiClient) followBundle(ctx context.Context, trust *trust) error {
	if _, err := c.readBundle(ctx, trust); err != nil {
		return err
	}
	go func() {
		for ctx.Err() == nil {
			version, err := c.readBundle(ctx, trust)
			if err == nil {
				err = c.watchBundle(ctx, version, trust)
			}
			if err != nil {
				sleep(ctx, 100*time.Millisecond)
			}
		}
	}()
	return nil
}

const configurations = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"

func (c *apiClient) readBundle(ctx context.Context, trust *trust) (version string, err error) {
	response, err := c.call(ctx, http.MethodGet, configurations+"/"+c.target.Configuration, nil)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	var object configuration
	if err := json.NewDecoder(response.Body).Decode(&object); err != nil {
		return "", err
	}
	if !c.trustIn(object, trust) {
		return "", fmt.Errorf("%s has no bundle for %s", c.target.Configuration, c.target.Webhook)
	}
	return object.Metadata.ResourceVersion, nil
}

func (c *apiClient) watchBundle(ctx context.Context, version string, trust *trust) error {
	path := fmt.Sprintf("%s?watch=1&timeoutSeconds=%d&resourceVersion=%s&fieldSelector=metadata.name=%s",
		configurations, watchTimeout, version, c.target.Configuration)
	response, err := c.call(ctx, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	decoder := json.NewDecoder(response.Body)
	for {
		var event struct {
			Type   string        `json:"type"`
			Object configuration `json:"object"`
		}
		if err := decoder.Decode(&event); err != nil {
			return err
		}
		c.trustIn(event.Object, trust)
	}
}

func (c *apiClient) trustIn(object configuration, trust *trust) bool {
	for _, webhook := range object.Webhooks {
		if webhook.Name != c.target.Webhook {
			continue
		}
		if bundle, err := base64.StdEncoding.DecodeString(webhook.ClientConfig.CABundle); err == nil && len(bundle) > 0 {
			trust.set(string(bundle))
			return true
		}
	}
	return false
}
