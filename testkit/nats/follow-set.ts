import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { Bus } from '#shared/bus/link/bus.ts';
import { createPublisher, type PublishedRecord, type Publisher } from '#shared/bus/publish/publisher.ts';
import { type AppliedSet, createReader, type Reader, type RecordChange } from '#shared/bus/read/reader.ts';
import type { BusRecord } from '#shared/bus/records/record.ts';
import { formatKey } from '#shared/contracts/bus/bucket.ts';
import type { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { type Clock, systemClock } from '#shared/runtime/clock.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import type { TestBus } from './test-bus.ts';

/** What a consumer of one owner's set has received, as the gateway would. */
interface FollowedSet {
  reader: Reader;
  /** Values by key. */
  values: ReadonlyMap<string, unknown>;
  applied: readonly (Pick<AppliedSet, 'epoch' | 'seq'> & { changes: readonly RecordChange[] })[];
}

/** Follows one owner until the test ends. */
export function followSet(
  t: TestContext,
  testBus: TestBus,
  bus: Bus,
  bucket: string,
  owner: string,
  options: { clock?: Clock; initial?: readonly BusRecord[]; keepsRecords?: boolean } = {},
): FollowedSet {
  const values = new Map<string, unknown>();
  const applied: FollowedSet['applied'][number][] = [];
  const reader = createReader(bus, {
    bucket,
    owners: [owner],
    log: testBus.log,
    clock: systemClock,
    keepsRecords: false,
    ...options,
    onApply: (set) => {
      const { epoch, seq } = set;
      const changes = [...set.changes];
      applied.push({ epoch, seq, changes });
      for (const { key, value } of changes) {
        if (value === undefined) values.delete(formatKey(key));
        else values.set(formatKey(key), value);
      }
    },
  });
  t.after(() => reader.stop());
  return { reader, values, applied };
}

/** A publisher until the test ends; `superseded` collects the errors it ended with. */
export function publishSet(
  t: TestContext,
  testBus: TestBus,
  bus: Bus,
  bucket: string,
  owner: string,
  clock: Clock = systemClock,
): Publisher & { superseded: LatchkeyError[] } {
  const superseded: LatchkeyError[] = [];
  const publisher = createPublisher(bus, {
    bucket,
    owner,
    log: testBus.log,
    clock,
    onSuperseded: (error) => superseded.push(error),
  });
  t.after(() => publisher.stop());
  return { ...publisher, superseded };
}

/** Key of an entry of an owner, in namespace `ns`. */
export const entryKey = (owner: string, secret: string): string =>
  formatKey({ owner, kind: 'entry', namespace: 'ns', secret });

/** Records of schema 1 by key: `{ a: 1 }` becomes entry `a` with body `{ schema: 1, value: 1 }`. */
export const entries = (owner: string, values: Record<string, unknown>): Map<string, PublishedRecord> =>
  new Map(
    Object.entries(values).map(([secret, value]) => [
      entryKey(owner, secret),
      { value: { schema: 1, value } },
    ]),
  );

/** What a consumer holds, in the form that {@link entries} takes. */
const valuesOf = ({ values }: FollowedSet, owner: string): Record<string, unknown> =>
  Object.fromEntries(
    [...values]
      .map(([key, body]) => [key.slice(entryKey(owner, '').length), (body as { value: unknown }).value])
      .sort(),
  );

/** Waits until the consumer holds exactly these values; resolves with the time it took, ms. */
export async function waitForValues(
  set: FollowedSet,
  owner: string,
  values: Record<string, unknown>,
  timeoutMs = 20_000,
): Promise<number> {
  const startMs = performance.now();
  const wanted = JSON.stringify(Object.fromEntries(Object.entries(values).sort()));
  await waitFor(() => JSON.stringify(valuesOf(set, owner)) === wanted, {
    timeoutMs,
    what: `${owner} to hold ${wanted.slice(0, 200)}`,
    intervalMs: 2,
  });
  return Math.round(performance.now() - startMs);
}

/** A publisher and a reader that both hold `{ a: 1, b: 2 }`. */
export async function publishedSet(
  t: TestContext,
  testBus: TestBus,
  buses: { writing: Bus; reading: Bus },
  { bucket, owner }: { bucket: string; owner: string },
  clock: Clock,
) {
  const set = followSet(t, testBus, buses.reading, bucket, owner, { clock });
  const publisher = publishSet(t, testBus, buses.writing, bucket, owner, clock);
  publisher.replace(entries(owner, { a: 1, b: 2 }));
  await waitForValues(set, owner, { a: 1, b: 2 });
  return { set, publisher };
}

/** Fails when the consumer ever held anything but one of the states given. */
export function assertOnlyStates(set: FollowedSet, states: readonly Record<string, unknown>[]): void {
  const allowed = states.map((state) => JSON.stringify(Object.entries(state)));
  const held = new Map<string, unknown>();
  for (const { changes } of set.applied) {
    for (const { key, value } of changes) {
      const secret = key.kind === 'entry' ? key.secret : key.kind;
      if (value === undefined) held.delete(secret);
      else held.set(secret, (value as { value: unknown }).value);
    }
    const state = JSON.stringify([...held].sort());
    assert.ok(allowed.includes(state), `held ${state}`);
  }
}
