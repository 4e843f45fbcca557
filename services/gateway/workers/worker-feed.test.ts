import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { recordsPerSlice } from '#shared/runtime/turn-queue.ts';
import { aRecord } from '#testkit/nats/a-record.ts';
import { propertyRuns } from '#testkit/properties/property-runs.ts';
import type { SentRecord, ToWorker } from './to-worker.ts';
import { setMessages, WorkerFeed } from './worker-feed.ts';

const version = { owner: 'k8s', epoch: 1, seq: 7 };
const drain: ToWorker = { kind: 'drain' };
const serve: ToWorker = { kind: 'serve' };

test('a set is sent in slices, and its version behind them; what is gone has no bytes', () => {
  const record = aRecord({ key: 'k8s.entry.ns.db' });
  const many = Array.from({ length: recordsPerSlice + 1 }, () => [record.key, record] as const);
  const messages = [...setMessages(version, [...many, ['k8s.entry.ns.gone', undefined]])];
  assert.deepEqual(
    messages.map((message) => (message.kind === 'records' ? message.records.length : message)),
    [recordsPerSlice, 2, { kind: 'set', ...version }],
  );
  const [, last] = messages;
  assert.deepEqual(last?.kind === 'records' && last.records.at(-1), [
    'k8s.entry.ns.gone',
    undefined,
    undefined,
  ]);
});

test('each message waits until the one before is sent, and nothing is made ahead of its turn', async () => {
  const sent: ToWorker[] = [];
  const sending = Promise.withResolvers<void>();
  const feed = new WorkerFeed((message) => {
    sent.push(message);
    return sending.promise;
  });
  let isMade = false;
  feed.add([serve]);
  feed.add(
    (function* later() {
      isMade = true;
      yield drain;
    })(),
  );
  await nextTurn();
  assert.deepEqual([sent, isMade], [[serve], false]);
  sending.resolve();
  while (sent.length < 2) await nextTurn();
  assert.deepEqual(sent, [serve, drain]);
});

test('to a worker that has ended nothing more is sent', async () => {
  const sent: ToWorker[] = [];
  const feed = new WorkerFeed(async (message) => {
    sent.push(message);
    feed.end();
  });
  feed.add([serve, drain]);
  feed.add([drain]);
  for (let turn = 0; turn < 5; turn += 1) await nextTurn();
  assert.deepEqual(sent, [serve]);
});

test('a set waits until the one before is in force, and those that wait become one', async () => {
  const sent: ToWorker[] = [];
  const feed = new WorkerFeed(async (message) => void sent.push(message));
  const changed = aRecord({ key: 'k8s.entry.ns.a', body: { schema: 1, value: 2 } });
  feed.addSet({ ...version, seq: 1 }, [[changed.key, aRecord({ key: changed.key })]]);
  for (let turn = 0; turn < 5; turn += 1) await nextTurn();
  feed.addSet({ ...version, seq: 2 }, [[changed.key, undefined]]);
  feed.addHeard({ kind: 'heard', applied: [], sourceAgeMs: 0, atMs: 0 });
  feed.addSet({ ...version, seq: 3 }, [[changed.key, changed]]);
  feed.acknowledge([{ ...version, seq: 2 }]);
  for (let turn = 0; turn < 5; turn += 1) await nextTurn();
  assert.equal(sent.length, 2, 'one set under way');
  feed.acknowledge([{ ...version, seq: 1 }]);
  while (sent.length < 4) await nextTurn();
  feed.acknowledge([{ ...version, seq: 3 }]);
  while (sent.length < 5) await nextTurn();
  assert.deepEqual(
    sent.map((message) => (message.kind === 'set' ? message.seq : message.kind)),
    ['records', 1, 'records', 3, 'heard'],
  );
  const merged = sent[2];
  assert.deepEqual(merged?.kind === 'records' && merged.records[0]?.[1], changed.bytes);
});

const owners = ['k8s', 'global'];
/** A change of one record, what of the owners stays, a heartbeat, or time for the worker. */
const aStep = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ owner: fc.constantFrom(...owners), key: fc.nat(5), value: fc.option(fc.nat()) }),
  },
  { weight: 1, arbitrary: fc.record({ keep: fc.subarray(owners) }) },
  { weight: 5, arbitrary: fc.constantFrom('heard' as const, 'the worker goes on' as const) },
);
type Step = typeof aStep extends fc.Arbitrary<infer Value> ? Value : never;

/** Records by key, by owner. */
class Sets extends Map<string, Map<string, unknown>> {
  change(owner: string, key: string, value: unknown): void {
    const records = this.get(owner) ?? new Map<string, unknown>();
    this.set(owner, records);
    if (value === undefined) records.delete(key);
    else records.set(key, value);
  }

  keep(kept: readonly string[]): void {
    for (const owner of this.keys()) if (!kept.includes(owner)) this.delete(owner);
  }
}

/** Has a feed send what is wanted, and a worker put it in force when it is told to. */
class SlowWorker {
  readonly wanted = new Sets();
  readonly has = new Sets();
  readonly #sent: ToWorker[] = [];
  readonly #feed = new WorkerFeed(async (message) => void this.#sent.push(message));

  async take(step: Step, seq: number): Promise<void> {
    if (step === 'the worker goes on') await this.goOn();
    else if (step === 'heard') this.#feed.addHeard({ kind: 'heard', applied: [], sourceAgeMs: 0, atMs: 0 });
    else if ('keep' in step) {
      this.wanted.keep(step.keep);
      this.#feed.add([{ kind: 'keep', managers: step.keep }]);
    } else {
      const { owner, value } = step;
      const key = `${owner}.${step.key}`;
      this.wanted.change(owner, key, value ?? undefined);
      this.#feed.addSet({ owner, epoch: 1, seq }, [
        [key, value === null ? undefined : aRecord({ key, body: value })],
      ]);
    }
  }

  /** Does what it was sent. */
  async goOn(): Promise<void> {
    for (let turn = 0; turn < 3; turn += 1) await nextTurn();
    for (const message of this.#sent.splice(0)) {
      if (message.kind === 'records') this.#apply(message.manager, message.records);
      else if (message.kind === 'keep') this.has.keep(message.managers);
      else if (message.kind === 'set') {
        const { owner, epoch, seq } = message;
        this.#feed.acknowledge([{ owner, epoch, seq }]);
      }
    }
  }

  #apply(manager: string, records: readonly SentRecord[]): void {
    for (const [key, bytes] of records) {
      this.has.change(manager, key, bytes && JSON.parse(Buffer.from(bytes).toString()));
    }
  }
}

test('whatever is added and however slow a worker is, it has in the end what was wanted', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(aStep, { maxLength: 40 }), async (steps) => {
      const worker = new SlowWorker();
      for (const [seq, step] of steps.entries()) await worker.take(step, seq);
      for (let round = 0; round <= 2 * steps.length; round += 1) await worker.goOn();
      assert.deepEqual(worker.has, worker.wanted);
    }),
    propertyRuns,
  );
});
