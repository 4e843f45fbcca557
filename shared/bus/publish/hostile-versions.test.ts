import assert from 'node:assert/strict';
import { test } from 'node:test';
import { headers } from '@nats-io/transport-node';
import fc from 'fast-check';
import type { BusLink } from '#shared/bus/link/bus.ts';
import { createStaging, type Staging } from '#shared/bus/read/staging.ts';
import { type Claim, findOutranked, findRival, manifestOf, nextClaim } from '#shared/bus/records/claim.ts';
import { type BusRecord, bodyOf, parseHeaders } from '#shared/bus/records/record.ts';
import type { Version } from '#shared/bus/records/version.ts';
import { formatKey, maxVersionNumber } from '#shared/contracts/bus/bucket.ts';
import { finishWork } from '#shared/runtime/turn-queue.ts';
import { propertyRuns } from '#testkit/properties/property-runs.ts';
import { createDesiredSet, type DesiredSet } from './desired-set.ts';
import type { PrefixStore } from './prefix-store.ts';
import { SetWriter } from './set-writer.ts';

const owner = 'k8s';
const manifestKey = formatKey({ owner, kind: 'manifest' });
const keyOf = (secret: string): string => formatKey({ owner, kind: 'entry', namespace: 'ns', secret });
const wanted = new Map(['a', 'b', 'c'].map((secret) => [keyOf(secret), { schema: 1, value: secret }]));
/** Nothing goes over a wire here. */
const link = {} as BusLink;

/** A prefix of a bucket in memory: one record a key, in the order of revisions. */
class StoredPrefix {
  readonly records = new Map<string, BusRecord>();
  #revision = 0;

  put(record: Omit<BusRecord, 'revision'>): number {
    this.#revision += 1;
    this.records.delete(record.key);
    this.records.set(record.key, { ...record, revision: this.#revision });
    return this.#revision;
  }
}

function storeOf(prefix: StoredPrefix, publisher: string): PrefixStore {
  return {
    manifestKey,
    records: prefix.records,
    synced: () => true,
    storeRecord: async (_link, { key, epoch, seq, wanted }) => {
      const bytes = wanted?.bytes ?? new Uint8Array();
      prefix.put({ key, epoch, seq, publisher, deleted: wanted?.bytes === undefined, bytes, trace: {} });
    },
    storeManifest: async (_link, manifest) => {
      const bytes = Buffer.from(JSON.stringify(manifest));
      const { epoch, seq } = manifest;
      return prefix.put({ key: manifestKey, epoch, seq, publisher, deleted: false, bytes, trace: {} });
    },
    stop: async () => undefined,
  };
}

function desiredSet(): DesiredSet {
  const desired = createDesiredSet(owner, (error) => assert.fail(error));
  desired.replace(new Map([...wanted].map(([key, value]) => [key, { value }])));
  return desired;
}

/** One life of a publisher: it claims the prefix, as it finds it, and writes what it wants. */
async function publish(prefix: StoredPrefix, publisher: string): Promise<Version> {
  const store = storeOf(prefix, publisher);
  const next = nextClaim(prefix.records.values(), manifestOf(prefix.records.get(manifestKey)));
  const revision = await store.storeManifest(link, {
    schema: 1,
    epoch: next.epoch,
    seq: 0,
    ...next.inherited,
  });
  const outranked = finishWork(findOutranked([...prefix.records.values()], next.epoch));
  const claim: Claim = { ...next, publisher, revision, outranked };
  assert.equal(findRival(prefix.records.values(), claim), undefined, 'nothing stored before takes it over');
  const writer = new SetWriter(store, desiredSet(), formatKey({ owner, kind: 'recipe' }));
  writer.mark([...prefix.records.keys(), ...wanted.keys()]);
  const { seq } = await writer.write(link, claim);
  return { epoch: claim.epoch, seq };
}

/** Reads everything again, as a reader that begins or has reason to doubt, and returns what is in force. */
function readAll(staging: Staging, prefix: StoredPrefix, published: Version): Record<string, unknown> {
  staging.reset();
  for (const record of prefix.records.values()) staging.stage(record);
  staging.confirm(published);
  staging.apply();
  const inForce = staging.records().filter(({ key }) => key !== manifestKey);
  return Object.fromEntries(inForce.map((record) => [record.key, bodyOf(record)]));
}

const number = fc.oneof(
  fc.nat(6),
  fc.constantFrom(
    maxVersionNumber - 1,
    maxVersionNumber,
    maxVersionNumber + 1,
    maxVersionNumber / 2,
    Number.MAX_SAFE_INTEGER,
  ),
  fc.constantFrom('', '-1', '1e300', 'NaN', 'x'),
);

/** What somebody with the publisher's login may write: any version, as header and in a manifest, that of another key. */
const hostileWrite = fc.record({
  key: fc.constantFrom(...wanted.keys(), keyOf('x'), manifestKey, `${owner}.what.is.this`),
  epoch: number,
  seq: number,
  publisher: fc.constantFrom('one', 'two', 'rogue', 'r'.repeat(70)),
  body: fc.constantFrom('wanted', 'evil', 'tombstone'),
  stated: fc.record({ epoch: number, seq: number, complete: fc.boolean() }),
});
type HostileWrite = typeof hostileWrite extends fc.Arbitrary<infer T> ? T : never;

function write(prefix: StoredPrefix, { key, epoch, seq, publisher, body, stated }: HostileWrite): void {
  const given = headers();
  given.set('Latchkey-Epoch', String(epoch));
  given.set('Latchkey-Seq', String(seq));
  given.set('Latchkey-Publisher', publisher);
  if (body === 'tombstone') given.set('KV-Operation', 'DEL');
  const before = bodyOf(prefix.records.get(key));
  const bodies = {
    wanted: key === manifestKey ? { ...(before ?? {}), ...stated } : wanted.get(key),
    evil: { schema: 1, value: 'evil' },
    tombstone: '',
  };
  const bytes = Buffer.from(JSON.stringify(bodies[body] ?? bodies.evil));
  prefix.put({ key, bytes, ...parseHeaders(given) });
}

test('whatever versions were written meanwhile, one start of the publisher has every reader hold what is wanted', async () => {
  const writes = fc.array(hostileWrite, { maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(writes, writes, async (early, late) => {
      const prefix = new StoredPrefix();
      for (const one of early) write(prefix, one);
      const live = createStaging(owner);
      assert.deepEqual(readAll(live, prefix, await publish(prefix, 'one')), Object.fromEntries(wanted));
      for (const one of late) {
        write(prefix, one);
        for (const record of [...prefix.records.values()].slice(-1)) live.stage(record);
        live.apply();
      }
      const published = await publish(prefix, 'two');
      assert.deepEqual(readAll(createStaging(owner), prefix, published), Object.fromEntries(wanted), 'new');
      assert.deepEqual(readAll(live, prefix, published), Object.fromEntries(wanted), 'running');
    }),
    propertyRuns,
  );
});

test('a seq that is used up is not counted on from', async () => {
  const prefix = new StoredPrefix();
  const { epoch } = await publish(prefix, 'one');
  const found = manifestOf(prefix.records.get(manifestKey));
  assert.ok(found);
  const store = storeOf(prefix, 'one');
  await store.storeManifest(link, { ...found, seq: maxVersionNumber });
  const writer = new SetWriter(store, desiredSet(), formatKey({ owner, kind: 'recipe' }));
  const claim: Claim = {
    ...nextClaim([], undefined),
    epoch,
    publisher: 'one',
    revision: 0,
    outranked: new Set(),
  };
  assert.deepEqual(await writer.write(link, claim), { seq: 1 });
  assert.equal(manifestOf(prefix.records.get(manifestKey))?.seq, 1);
});
