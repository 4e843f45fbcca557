import assert from 'node:assert/strict';
import { test } from 'node:test';
import { propagation } from '@opentelemetry/api';
import pino from 'pino';
import { planRequests } from '#shared/core/admission/planned-requests.ts';
import { listenWebhook } from '#testkit/gateway/listening-webhook.ts';
import { aPod, aReview, someRules } from '#testkit/pods/a-pod.ts';
import { createAdmissionHandler } from './admission-handler.ts';
import type { AdmissionMetrics } from './admission-metrics.ts';
import { createFaultReport } from './report-fault.ts';

const long = 'n'.repeat(3_000_000);
const db = { group: 'db', key: 'pass' };

test('whatever a request says, its log line, its labels and its answer are short', async (t) => {
  const lines: string[] = [];
  const labels: string[] = [];
  const note = (of: object): number => labels.push(JSON.stringify(of));
  const metrics: Pick<AdmissionMetrics, 'admission' | 'secrets'> = { admission: note, secrets: note };
  const webhook = await listenWebhook(
    createAdmissionHandler({
      plan: planRequests,
      rules: someRules({}, { k8s: { ns: { db: ['pass'] } } }),
      metrics: metrics as AdmissionMetrics,
      log: pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) }),
    }),
  );
  t.after(() => webhook.server.close());
  const bodies = [
    aReview(aPod({ asks: [db] }), { namespace: long }),
    aReview(aPod({ asks: [db] }), { uid: long }),
    aReview(aPod({ asks: [{ ...db, key: 'other' }], spec: { serviceAccountName: long } })),
    aReview(aPod({ asks: [db], spec: { containers: [{ name: long }] } })),
    aReview(aPod({ asks: [db], spec: { containers: [{ name: { toString: 1 } }] } })),
    aReview(aPod({ asks: [{ group: 'g'.repeat(100_000), key: 'k' }] })),
    aReview(aPod({ asks: [{ ...db, groupVersion: 'v'.repeat(3_000), key: 'k'.repeat(250) }] })),
    aReview(aPod({ annotations: { [`flyte.secrets/s${long}`]: long } })),
    aReview({ kind: 'Pod', metadata: { namespace: long, labels: { 'inject-flyte-secrets': 'true' } } }),
    { apiVersion: long, kind: long },
  ];
  for (const body of bodies) {
    const answer = await webhook.send({ body: JSON.stringify(body) });
    assert.match(answer, /^HTTP\/1.1 (200|400) /);
    assert.ok(answer.length < 3_000, `an answer of ${answer.length} characters`);
  }
  assert.equal(lines.length, bodies.length);
  for (const text of [...lines, ...labels])
    assert.ok(text.length < 500, `${text.length} characters: ${text.slice(0, 200)}`);
});

test('a fault before the span begins is logged and counted as failed', async (t) => {
  t.mock.method(propagation, 'extract', () => {
    throw new Error('no propagator');
  });
  const lines: string[] = [];
  const counted: object[] = [];
  const log = pino({}, { write: (line: string) => void lines.push(line) });
  const metrics: Pick<AdmissionMetrics, 'admission'> = { admission: (labels) => counted.push(labels) };
  const context = { metrics: metrics as AdmissionMetrics, log };
  const webhook = await listenWebhook(
    createAdmissionHandler({ ...context, plan: planRequests, rules: someRules({}, {}) }),
    { onFault: createFaultReport(context) },
  );
  t.after(() => webhook.server.close());
  assert.match(
    await webhook.send({ body: JSON.stringify(aReview(aPod({ asks: [db] }))) }),
    /^HTTP\/1.1 500 /,
  );
  assert.deepEqual(counted, [{ outcome: 'failed', code: 'INTERNAL' }]);
  assert.match(lines.join(), /"message":"no propagator".*"msg":"admission failed"/);
});
