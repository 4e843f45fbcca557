import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import { ownerName } from '#shared/installation/owner-reader.ts';
import { desiredWebhookConfiguration } from '#shared/installation/webhook-configuration.ts';
import type { Kubernetes } from '#shared/kubernetes/requests/connect-kubernetes.ts';
import { refusedError } from '#shared/kubernetes/requests/kubernetes-call.ts';
import { systemClock } from '#shared/runtime/clock.ts';
import { createWebhookRepairs } from '../observe/webhook-repairs.ts';
import { createOwnerWriter } from './owner-writer.ts';

const config = latchkeyConfigSchema.parse({});
const webhook = desiredWebhookConfiguration(config.webhook, 'latchkey', 'PEM');
const owner = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRole',
  name: ownerName,
  uid: 'role-1',
};

/** A writer before an API server that answers every patch with one status. */
function aWriter() {
  const state = { statusCode: 200, calls: 0, nowMs: 0, logged: [] as string[] };
  const json: Kubernetes['json'] = async (call) => {
    state.calls += 1;
    if (state.statusCode !== 200) throw refusedError(call, { statusCode: state.statusCode });
    return webhook;
  };
  const log = pino({ level: 'warn' }, { write: (line: string) => void state.logged.push(line) });
  const clock = { ...systemClock, monotonicMs: () => state.nowMs };
  const repairs = createWebhookRepairs(clock, log);
  const writer = createOwnerWriter({ kubernetes: { json } as Kubernetes, config, repairs, log, clock });
  /** Writes as soon as a refused write is due again. */
  const writeWhenDue = async (): Promise<void> => {
    state.nowMs += writer.restMs() ?? 0;
    await writer.write({ webhook, owner });
  };
  return { state, writer, writeWhenDue };
}

test('a refused owner is logged once a row, named, and asked for ever more rarely', async () => {
  const { state, writer, writeWhenDue } = aWriter();
  state.statusCode = 403;
  await writeWhenDue();
  await writer.write({ webhook, owner });
  assert.equal(state.calls, 1);
  for (let refusals = 1; refusals < 10; refusals += 1) await writeWhenDue();
  assert.equal(state.calls, 10);
  assert.ok((writer.restMs() ?? 0) >= 150_000);
  assert.equal(state.logged.length, 1);
  assert.match(state.logged.join(), /0-latchkey.*owner of the webhook configuration refused/);
  state.statusCode = 200;
  await writeWhenDue();
  assert.equal(writer.restMs(), undefined);
  state.statusCode = 403;
  await writeWhenDue();
  assert.equal(state.logged.length, 2);
});

test('a race that another writer won is not logged, and a patch that never fits is', async () => {
  const { state, writeWhenDue } = aWriter();
  state.statusCode = 422;
  await writeWhenDue();
  assert.deepEqual(state.logged, []);
  for (let refusals = 1; refusals < 4; refusals += 1) await writeWhenDue();
  assert.equal(state.logged.length, 1);
});

test('an object that has its owner, or is not there, ends the row', async () => {
  const { state, writer, writeWhenDue } = aWriter();
  state.statusCode = 403;
  for (const found of [
    undefined,
    { ...webhook, metadata: { ...webhook.metadata, ownerReferences: [owner] } },
  ]) {
    await writeWhenDue();
    await writer.write({ webhook: found, owner });
    assert.equal(writer.restMs(), undefined);
  }
  assert.equal(state.logged.length, 2);
});
