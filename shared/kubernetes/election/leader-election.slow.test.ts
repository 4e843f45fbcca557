import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import { withWriteFence } from '#shared/kubernetes/requests/with-write-fence.ts';
import { systemClock } from '#shared/runtime/clock.ts';
import { createLeaseServer, type LeaseServer } from '#testkit/cluster/lease-server.ts';
import { acceleratedClock } from '#testkit/nats/accelerated-clock.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import { startLeaderElection } from './leader-election.ts';
import { leaseTimes } from './next-lease-step.ts';

/** The deadline of 4 s is 1 s here: a busy machine must not miss it. */
const quickClock = acceleratedClock(4);
const log = pino({ level: 'silent' });
const lease = { namespace: 'latchkey', name: 'latchkey-test' };
const timeoutMs = 10_000;

function candidate(t: TestContext, server: LeaseServer, identity: string, clock = quickClock) {
  const events: string[] = [];
  const kubernetes = server.connectionOf(identity);
  const election = startLeaderElection({
    kubernetes,
    lease,
    identity,
    log,
    clock,
    onLead: () => events.push('lead'),
    onLost: () => events.push('lost'),
  });
  t.after(() => election.stop());
  return { ...election, events, kubernetes: withWriteFence(kubernetes, election.isLeading) };
}

test('one leads, the other stands by and leads at once when the first stops in order', async (t) => {
  const server = createLeaseServer(lease);
  const first = candidate(t, server, 'first');
  await waitFor(() => first.isLeading(), { timeoutMs, what: 'the first to lead' });
  const second = candidate(t, server, 'second');
  await waitFor(() => second.holder() === 'first', { timeoutMs, what: 'the second to see it' });
  assert.deepEqual([second.isLeading(), second.problem()], [false, undefined]);
  const stoppedAtMs = quickClock.monotonicMs();
  await first.stop();
  assert.equal(first.isLeading(), false);
  await waitFor(() => second.isLeading(), { timeoutMs, what: 'the second to lead', intervalMs: 1 });
  t.diagnostic(
    `${Math.round(quickClock.monotonicMs() - stoppedAtMs)} ms of the candidates' time without a leader`,
  );
  assert.deepEqual([first.events, second.events], [['lead'], ['lead']]);
});

test('a leader that does not reach the API server steps down before the other one takes over', async (t) => {
  const server = createLeaseServer(lease);
  const first = candidate(t, server, 'first');
  await waitFor(() => first.isLeading(), { timeoutMs, what: 'the first to lead' });
  const second = candidate(t, server, 'second');
  server.unreachable.add('first');
  await waitFor(() => first.events.includes('lost'), { timeoutMs, what: 'the first to lose', intervalMs: 1 });
  assert.deepEqual([first.isLeading(), second.isLeading(), server.holder()], [false, false, 'first']);
  const write = { verb: 'create', path: '/api/v1/namespaces/n/secrets' } as const;
  await assert.rejects(first.kubernetes.json(write), { code: 'LEADERSHIP_LOST' });
  await waitFor(() => second.isLeading(), { timeoutMs, what: 'the second to lead' });
  assert.deepEqual(first.events, ['lead', 'lost']);
});

test('a request that hangs once costs a leader nothing', async (t) => {
  const server = createLeaseServer(lease);
  const only = candidate(t, server, 'only', systemClock);
  await waitFor(() => only.isLeading(), { timeoutMs, what: 'it to lead' });
  server.hanging.add('only');
  await waitFor(() => server.hanging.size === 0, { timeoutMs, what: 'it to give the request up' });
  await waitFor(() => only.problem() === undefined, { timeoutMs, what: 'it to have renewed' });
  assert.deepEqual([only.isLeading(), only.events], [true, ['lead']]);
});

test('a standby waits while the API server is away, and says so', async (t) => {
  const server = createLeaseServer(lease);
  server.unreachable.add('only');
  const only = candidate(t, server, 'only');
  await waitFor(() => only.problem()?.includes('gave no answer'), { timeoutMs, what: 'the problem' });
  server.unreachable.clear();
  await waitFor(() => only.isLeading() && only.problem() === undefined, { timeoutMs, what: 'it to lead' });
  const startedAtMs = quickClock.monotonicMs();
  const renewals = new Set<string>();
  await waitFor(
    () =>
      renewals.add(String(only.isLeading())).size > 1 ||
      quickClock.monotonicMs() - startedAtMs > 2 * leaseTimes.durationMs,
    {
      timeoutMs,
      what: 'twice the duration to pass',
    },
  );
  assert.deepEqual([...renewals], ['true'], 'it renews in time');
});
