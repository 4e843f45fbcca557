import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultConfig } from '#testkit/installation/default-config.ts';
import { aRecord } from '#testkit/nats/a-record.ts';
import { fillOfWorker } from './fill-of-worker.ts';

const version = { owner: 'k8s', epoch: 1, seq: 1 };
const record = aRecord({ key: 'k8s.entry.ns.db' });
const known = {
  read: { applied: () => [version], delivered: () => [[record.key, record] as const] },
  ageMs: () => Number.POSITIVE_INFINITY,
};
const fill = {
  workers: 2,
  snapshotTakenAt: undefined,
  config: () => defaultConfig,
  clientCa: () => undefined,
  certificate: () => undefined,
  keys: () => ({ keys: new Map([['a', new Uint8Array(32)]]), sealingKid: 'a' }),
  known,
};
const kindsOf = (over: Partial<typeof fill> = {}): string[] =>
  Array.from(fillOfWorker({ ...fill, ...over }), ({ kind }) => kind);

test('a worker learns its configuration first, then keys and rules', () => {
  assert.deepEqual(kindsOf(), ['begin', 'keys', 'records', 'set']);
});

test('it learns how fresh the rules are that somebody has confirmed', () => {
  const confirmed = { ...known, ageMs: () => 1_500 };
  const [heard] = [...fillOfWorker({ ...fill, known: confirmed })].filter(({ kind }) => kind === 'heard');
  assert.deepEqual(heard?.kind === 'heard' && [heard.applied, heard.sourceAgeMs], [[version], 1_500]);
});

test('each part is as it is when its turn comes', () => {
  let applied = [version];
  const messages = fillOfWorker({
    ...fill,
    known: { ...known, read: { ...known.read, applied: () => applied } },
  });
  messages.next();
  applied = [{ ...version, seq: 7 }];
  const set = [...messages].find(({ kind }) => kind === 'set');
  assert.deepEqual(set, { kind: 'set', ...version, seq: 7 });
});
