import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClientCounts, LoadFailure } from './admission-load.ts';
import { missedRates, missedRepeats, seesUntrusted } from './failure-rows.ts';

const clients = [
  { name: 'kept connections', kind: 'kept', perSecond: 100, workers: 1 },
  { name: 'new connections', kind: 'fresh', perSecond: 10, workers: 1 },
  { name: 'dry runs', kind: 'dryRun', perSecond: 5, workers: 1 },
] as const;
const counts = (client: string, answered: number, repeated = 0): ClientCounts => ({
  client,
  answered,
  repeated,
  failed: 0,
  newConnections: 0,
  p50Ms: 1,
  p99Ms: 1,
  maxMs: 1,
});
const summaryOf = (...all: ClientCounts[]) => ({ clients: all, bundles: 1 });

test('each client has to keep its rate, whatever the others do', () => {
  const rates = (kept: number, fresh: number) =>
    missedRates(
      clients.slice(0, 2),
      summaryOf(counts('kept connections', kept), counts('new connections', fresh)),
      10,
    );
  assert.deepEqual(rates(800, 80), []);
  assert.deepEqual(rates(1_000, 79), ['new connections: 7.9 requests a second, of 10 planned']);
  assert.deepEqual(rates(0, 100), ['kept connections: 0.0 requests a second, of 100 planned']);
  assert.equal(missedRates(clients, summaryOf(), 10).length, 3);
});

test('a client may repeat one request in a thousand', () => {
  assert.deepEqual(missedRepeats(summaryOf(counts('a', 2_000, 2), counts('b', 100))), []);
  assert.deepEqual(missedRepeats(summaryOf(counts('a', 2_000, 3), counts('b', 100))), [
    'a: 3 of 2000 requests were sent again, as the gateway had asked',
  ]);
});

test('that a CA is not trusted has to be seen directly and through the API server', () => {
  const failure = (client: string, why: string): LoadFailure => ({
    client,
    why,
    id: '',
    case: '',
    sentAtMs: 0,
    failedAtMs: 0,
    connectedAtMs: 0,
    localPort: 0,
    reused: false,
  });
  const x509 = 'tls: failed to verify certificate: x509: certificate signed by unknown authority';
  const direct = failure('new connections', x509);
  const through = failure('dry runs', `HTTP 500: ${x509}`);
  assert.equal(seesUntrusted(clients, [direct, through]), true);
  assert.equal(seesUntrusted(clients, [direct, failure('dry runs', 'HTTP 500: EOF')]), false);
  assert.equal(seesUntrusted(clients, [through, failure('new connections', 'EOF')]), false);
});
