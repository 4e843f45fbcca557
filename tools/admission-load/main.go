// Sends admission reviews as kube-apiserver does (net/http with client-go's pool, a POST is never repeated, only
// Retry-After is honoured), over new connections too, and pods through a real API server; judges every answer.
// In: NDJSON on stdin, the plan, then orders. Out: NDJSON on stdout, failures as they happen, counts every second, and a
// summary at the end. It ends by an order or when stdin closes.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"
	"sync"
	"time"
)

type plan struct {
	Webhook   webhookTarget `json:"webhook"`
	APIServer apiTarget     `json:"apiServer"`
	Clients   []clientPlan  `json:"clients"`
	Cases     []requestCase `json:"cases"`
	// Of every review in the cases; each request gets one of its own.
	UID string `json:"uid"`
}

// One stream of requests. Kind: kept (the API server's pool), fresh (a connection per request), api (pods through the
// API server, stored and deleted again), dryRun (the same, not stored).
type clientPlan struct {
	Name      string `json:"name"`
	Kind      string `json:"kind"`
	PerSecond int    `json:"perSecond"`
	Workers   int    `json:"workers"`
}

// From now on the case may be answered like this; nothing else, and stop ends the load.
type order struct {
	Case   string   `json:"case"`
	Accept []answer `json:"accept"`
	Stop   bool     `json:"stop"`
}

func main() {
	// net/http tells of each idle connection that a gateway ends with a closing response.
	log.SetOutput(io.Discard)
	input := bufio.NewReaderSize(os.Stdin, 1<<20)
	decoder := json.NewDecoder(input)
	var p plan
	if err := decoder.Decode(&p); err != nil {
		fmt.Fprintf(os.Stderr, "the first line is not a plan: %v\n", err)
		os.Exit(2)
	}
	if err := run(p, decoder); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}

func run(p plan, orders *json.Decoder) error {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	api, err := newAPIClient(p.APIServer)
	if err != nil {
		return err
	}
	trust := newTrust()
	if err := api.followBundle(ctx, trust); err != nil {
		return err
	}
	book := newCases(p.Cases, p.UID)
	report := newReport(os.Stdout, trust)
	var workers sync.WaitGroup
	for _, client := range p.Clients {
		send, err := sender(client, p, trust, api)
		if err != nil {
			return err
		}
		tally := report.tally(client.Name)
		startClient(ctx, &workers, client, func() { judge(ctx, book.next(), send, tally) })
	}
	go report.everySecond(ctx)
	for {
		var o order
		if err := orders.Decode(&o); err != nil || o.Stop {
			break
		}
		book.accept(o.Case, o.Accept)
	}
	stop()
	workers.Wait()
	report.summary()
	return nil
}

// A request of a case sent once: what was answered, and over which connection.
type send func(ctx context.Context, c snapshot) (answer, connection, error)

func sender(client clientPlan, p plan, trust *trust, api *apiClient) (send, error) {
	switch client.Kind {
	case "kept":
		return newWebhookClient(p.Webhook, trust, true).review, nil
	case "fresh":
		return newWebhookClient(p.Webhook, trust, false).review, nil
	case "api":
		return api.create(false), nil
	case "dryRun":
		return api.create(true), nil
	}
	return nil, fmt.Errorf("client %q has the unknown kind %q", client.Name, client.Kind)
}

// Hands out turns at the wanted rate; a turn that finds every worker busy waits, so that the rate falls instead.
func startClient(ctx context.Context, workers *sync.WaitGroup, client clientPlan, turn func()) {
	turns := make(chan struct{}, client.Workers)
	go func() {
		defer close(turns)
		ticker := time.NewTicker(time.Second / time.Duration(client.PerSecond))
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				select {
				case turns <- struct{}{}:
				case <-ctx.Done():
					return
				}
			}
		}
	}()
	for range client.Workers {
		workers.Go(func() {
			for range turns {
				turn()
			}
		})
	}
}
