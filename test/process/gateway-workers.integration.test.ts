import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { request } from 'node:https';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { connect } from 'node:tls';
import { type GatewayProcess, startGatewayProcess } from '#bench/overload/gateway-process.ts';
import { subscribeHeartbeats } from '#shared/bus/link/heartbeats.ts';
import { certificateId } from '#shared/certificates/ca-bundle.ts';
import { formatKey } from '#shared/contracts/bus/bucket.ts';
import type { Heartbeat } from '#shared/contracts/bus/heartbeat.ts';
import { webhookPath } from '#shared/contracts/kubernetes/webhook-path.ts';
import { aSelfSignedPair } from '#testkit/certificates/self-signed-pair.ts';
import { readSamples, sumOf } from '#testkit/installation/read-samples.ts';
import { aPod, aReview } from '#testkit/pods/a-pod.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';

const owner = 'k8s';
const namespace = 'ns';
const patience = { timeoutMs: 20_000 };
let gateway: GatewayProcess;
before(async () => {
  gateway = await startGatewayProcess({ inventory: 'closed', workers: 2 });
  gateway.publish(rulesWith('first'));
});
after(() => gateway?.stop());

/** Rules of one namespace with a Secret of this name. */
const rulesWith = (secret: string) =>
  new Map([
    [formatKey({ owner, kind: 'namespace', namespace }), { value: { schema: 1, namespace } }],
    [
      formatKey({ owner, kind: 'entry', namespace, secret }),
      { value: { schema: 1, items: { [`${secret}/key`]: {} } } },
    ],
  ]);

/** Asks on a connection of its own; gives the code of the answer, 200 when the pod is admitted. */
async function ask(group: string): Promise<number> {
  const review = JSON.stringify(aReview(aPod({ asks: [{ group, key: 'key' }] }), { namespace }));
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(review) };
  const url = `https://127.0.0.1:${gateway.webhookPort}${webhookPath}?timeout=10s`;
  const options = { method: 'POST', headers, agent: false, rejectUnauthorized: false };
  const call = request(url, options, (response) => void text(response).then(resolve, reject));
  call.on('error', reject);
  call.end(review);
  const { response } = JSON.parse(await promise);
  return response.allowed ? 200 : response.status.code;
}

/** Asks on two connections, of which each worker gets one. */
const askBoth = (group: string): Promise<number[]> => Promise.all([ask(group), ask(group)]);

async function samples() {
  return readSamples(await (await fetch(`http://127.0.0.1:${gateway.healthPort}/metrics`)).text());
}

const readiness = async (): Promise<{ ready: boolean; remarks: string[] }> =>
  (await fetch(`http://127.0.0.1:${gateway.healthPort}/readyz`)).json() as never;

const untilAllServe = () =>
  waitFor(async () => (await readiness()).remarks.length === 0, { ...patience, what: 'both workers' });

/** Fingerprint of the certificate that a new connection is shown. */
function shownCertificate(): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const socket = connect({ port: gateway.webhookPort, host: '127.0.0.1', rejectUnauthorized: false });
  socket.once('error', reject);
  socket.once('secureConnect', () => {
    const { raw } = socket.getPeerCertificate();
    socket.destroy();
    resolve(certificateId(new X509Certificate(raw)));
  });
  return promise;
}

/** Keeps asking on new connections, several at once, until it is stopped; gives the code or the error of each. */
function keepAsking(group: string, atOnce: number) {
  const outcomes: (number | string)[] = [];
  let isStopped = false;
  const one = async (): Promise<void> => {
    while (!isStopped) {
      outcomes.push(await ask(group).catch((err: NodeJS.ErrnoException) => err.code ?? err.message));
    }
  };
  const all = Promise.all(Array.from({ length: atOnce }, one));
  return {
    outcomes,
    stop: async () => {
      isStopped = true;
      await all;
    },
  };
}

test('two workers serve one port, each a connection in turn, and one page has the metrics of both', async () => {
  await waitFor(async () => (await askBoth('first')).every((code) => code === 200), {
    ...patience,
    what: 'the rules in both workers',
  });
  const found = await waitFor(
    async () => {
      const read = await samples();
      const counts = ['1', '2'].map((worker) => sumOf(read, 'latchkey_admissions_total', { worker }));
      return counts.every((count) => count > 0) ? read : undefined;
    },
    { ...patience, what: 'admissions of both workers' },
  );
  assert.equal(sumOf(found, 'latchkey_workers_serving'), 2);
  assert.equal(sumOf(found, 'latchkey_rules_complete'), 1);
  assert.equal(found.filter(({ name }) => name === 'target_info').length, 1);
});

test('a change of the rules reaches both workers', async () => {
  assert.deepEqual(await askBoth('second'), [404, 404]);
  gateway.publish(rulesWith('second'));
  await waitFor(async () => (await askBoth('second')).every((code) => code === 200), {
    ...patience,
    what: 'the new Secret in both workers',
  });
  await waitFor(async () => (await askBoth('first')).every((code) => code === 404), {
    ...patience,
    what: 'the old Secret to be gone from both workers',
  });
});

test('a certificate is acknowledged once every worker serves it', async () => {
  const heard: Heartbeat[] = [];
  const unsubscribe = subscribeHeartbeats(gateway.bus, 'gateway', (heartbeat) => heard.push(heartbeat));
  const pair = aSelfSignedPair(Date.now());
  const next = certificateId(new X509Certificate(pair.certificate));
  const [stopped = 0] = await gateway.workerPids();
  process.kill(stopped, 'SIGSTOP');
  try {
    await gateway.mountCertificate(pair);
    await waitFor(async () => (await shownCertificate()) === next, {
      ...patience,
      what: 'the other worker to serve it',
    });
    const before = heard.length;
    await waitFor(() => heard.length >= before + 2, { ...patience, what: 'two heartbeats' });
    assert.ok(heard.every(({ servingCertificate }) => servingCertificate !== next));
  } finally {
    process.kill(stopped, 'SIGCONT');
  }
  await waitFor(() => heard.at(-1)?.servingCertificate === next, {
    ...patience,
    what: 'the acknowledgement',
  });
  unsubscribe();
});

test('a worker that is killed is replaced, the pod stays ready, and no call is refused', async () => {
  await untilAllServe();
  const atOnce = 4;
  const load = keepAsking('second', atOnce);
  await waitFor(() => load.outcomes.length > 50, { ...patience, what: 'calls' });
  const [victim = 0, other = 0] = await gateway.workerPids();
  process.kill(victim, 'SIGKILL');
  await waitFor(
    async () => {
      assert.ok((await readiness()).ready);
      const pids = await gateway.workerPids();
      return pids.length === 2 && !pids.includes(victim);
    },
    { ...patience, what: 'another worker' },
  );
  await untilAllServe();
  const after = load.outcomes.length;
  await waitFor(() => load.outcomes.length > after + 50, { ...patience, what: 'calls' });
  await load.stop();
  const failed = load.outcomes.filter((outcome) => outcome !== 200);
  assert.ok(failed.length <= atOnce, `more failed than were in flight: ${failed}`);
  const refused = failed.filter((outcome) => outcome !== 'ECONNRESET' && outcome !== 'EPIPE');
  assert.deepEqual(refused, []);
  assert.ok((await gateway.workerPids()).includes(other));
  assert.equal(sumOf(await samples(), 'latchkey_worker_ends_total', { reason: 'crashed' }), 1);
});

test('the drain answers everything', async () => {
  const load = keepAsking('second', 4);
  await waitFor(() => load.outcomes.length > 50, { ...patience, what: 'calls' });
  gateway.signal('SIGTERM');
  await waitFor(async () => !(await readiness()).ready, { ...patience, what: 'the gateway to be unready' });
  const asked = load.outcomes.length;
  await waitFor(() => load.outcomes.length > asked + 50, { ...patience, what: 'calls while it drains' });
  await load.stop();
  assert.deepEqual(new Set(load.outcomes), new Set([200]));
  assert.equal((await gateway.exited).code, 0);
});
