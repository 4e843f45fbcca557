import assert from 'node:assert/strict';
import { test } from 'node:test';
import { headers, type MsgHdrs, MsgHdrsImpl, type NatsConnection } from '@nats-io/transport-node';
import { pino } from 'pino';
import type { Bus, BusLink } from '#shared/bus/link/bus.ts';
import { createDigestSet } from '#shared/bus/records/digest.ts';
import { type BusRecord, formatHeaders } from '#shared/bus/records/record.ts';
import { rulesBucket as bucket, subjectOf } from '#shared/contracts/bus/bucket.ts';
import { systemClock } from '#shared/runtime/clock.ts';
import { aMessage } from '#testkit/nats/a-message.ts';
import { aManifest, aRecord } from '#testkit/nats/a-record.ts';
import { entryKey } from '#testkit/nats/follow-set.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import { type AppliedSet, createReader } from './reader.ts';

type Callback = (err: Error | null, message: unknown) => void;

interface SlowBus {
  bus: Bus;
  /** How many reads wait for their answer. */
  reads(): number;
  /** Answers the read that waits longest. */
  answer(): void;
  /** Answers what waits, and from now on at once. */
  hurry(): void;
}

/** A bus of one stored set that answers counts at once, and reads when it is told to. */
function createSlowBus(records: readonly BusRecord[]): SlowBus {
  let isSlow = true;
  const inboxes = new Map<string, Callback>();
  const held: (() => void)[] = [];
  const send = (inbox: string, given: MsgHdrs, data: Uint8Array): void => {
    assert.ok(given instanceof MsgHdrsImpl);
    inboxes.get(inbox)?.(null, aMessage(given.encode(), data));
  };
  const reply = (inbox: string, sent: readonly BusRecord[]): void => {
    for (const record of sent) {
      const stored = formatHeaders(record);
      stored.append('Nats-Subject', subjectOf(bucket, record.key));
      stored.append('Nats-Sequence', String(record.revision));
      send(inbox, stored, record.bytes);
    }
    const end = headers(204, 'EOB');
    end.set('Nats-Num-Pending', String(records.length - sent.length));
    send(inbox, end, new Uint8Array());
  };
  const nc = {
    subscribe: (subject: string, { callback }: { callback: Callback }) => {
      inboxes.set(subject, callback);
      return { unsubscribe: () => inboxes.delete(subject) };
    },
    publish: (_subject: string, body: string, { reply: inbox }: { reply: string }) => {
      const { batch } = JSON.parse(body) as { batch?: number };
      if (batch === 1 || !isSlow) queueMicrotask(() => reply(inbox, records.slice(0, batch ?? 1)));
      else held.push(() => reply(inbox, records));
    },
  };
  const streams = { info: async () => ({ created: '', state: { last_seq: records.length } }) };
  const link: BusLink = {
    nc: nc as unknown as NatsConnection,
    js: {} as BusLink['js'],
    jsm: { streams } as unknown as BusLink['jsm'],
    inboxPrefix: '_INBOX_test',
  };
  const bus: Bus = {
    connected: () => true,
    link: () => link,
    linked: async () => link,
    onReconnect: () => () => undefined,
    changeServer: () => undefined,
    fail: (err) => assert.fail(String(err)),
    close: async () => undefined,
  };
  const answer = (): void => held.shift()?.();
  const hurry = (): void => {
    isSlow = false;
    while (held.length > 0) answer();
  };
  return { bus, reads: () => held.length, answer, hurry };
}

const owner = 'k8s';
const record = aRecord({ key: entryKey(owner, 'a') });
const set = createDigestSet();
set.set(record.key, record.bytes);
const stored = [record, { ...aManifest(owner, set), revision: 2 }];

test('what comes late of an owner that is followed no longer is ignored, also when it is followed again', async (t) => {
  const slow = createSlowBus(stored);
  const applied: AppliedSet[] = [];
  const reader = createReader(slow.bus, {
    bucket,
    owners: [owner],
    log: pino({ level: 'silent' }),
    clock: systemClock,
    onApply: (set) => applied.push(set),
  });
  t.after(() => {
    slow.hurry();
    return reader.stop();
  });
  const asked = (reads: number) =>
    waitFor(() => slow.reads() === reads, { timeoutMs: 10_000, what: `${reads} reads under way` });
  await asked(1);
  reader.follow([]);
  reader.follow([owner]);
  await asked(2);
  slow.answer();
  await asked(1);
  await new Promise(setImmediate);
  assert.deepEqual([applied.length, reader.isComplete(owner)], [0, false]);
  slow.answer();
  await waitFor(() => reader.isComplete(owner), { timeoutMs: 10_000, what: 'the set of the owner' });
  assert.equal(applied.length, 1);
});
