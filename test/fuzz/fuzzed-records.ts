import { headers } from '@nats-io/transport-node';
import { createDigestSet, recipeDigest } from '#shared/bus/records/digest.ts';
import { type BusRecord, bodyOf, parseHeaders } from '#shared/bus/records/record.ts';
import { formatKey } from '#shared/contracts/bus/bucket.ts';
import { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import { managers } from '#shared/managers/shipped/managers.ts';
import { aManifest, aRecord } from '#testkit/nats/a-record.ts';
import type { Random } from '#testkit/properties/random.ts';
import { below, jsonBytes, mutateBytes, mutateJson, mutateText, oddText } from './mutate.ts';

/** Manager whose rules the records are. */
export const owner = 'k8s';
export const config = latchkeyConfigSchema.parse({ chain: [owner] });
const recipe = managers.get(owner)?.recipe(config);
export const entryKey = (secret: string): string =>
  formatKey({ owner, kind: 'entry', namespace: 'ns', secret });
const entryOf = (secret: string): object => ({
  schema: 1,
  items: { [`${secret}/k`]: { secretName: secret, key: 'k' } },
});

/** The records of a manager's rules as its resolver writes them. */
export function soundRecords(): BusRecord[] {
  return [
    aRecord({ key: formatKey({ owner, kind: 'recipe' }), body: recipe }),
    aRecord({
      key: formatKey({ owner, kind: 'namespace', namespace: 'ns' }),
      body: { schema: 1, namespace: 'ns' },
    }),
    ...['db', 'app', 'team'].map((secret) => aRecord({ key: entryKey(secret), body: entryOf(secret) })),
  ];
}

/** One thing of a record changed: its bytes, its key, its version, whether it is there. */
function mutateRecord(random: Random, record: BusRecord): BusRecord {
  const parsed = bodyOf(record) ?? {};
  return random.pick<() => BusRecord>([
    () => ({ ...record, bytes: mutateBytes(random, record.bytes) }),
    () => ({ ...record, bytes: jsonBytes(mutateJson(random, parsed)) }),
    () => ({ ...record, bytes: jsonBytes(mutateJson(random, parsed)) }),
    () => ({ ...record, key: mutateText(random, record.key) }),
    () => ({ ...record, ...parseHeaders(fuzzedHeaders(random)) }),
    () => ({ ...record, revision: below(random, 20), epoch: below(random, 4), seq: below(random, 4) }),
    () => ({ ...record, deleted: true, bytes: new Uint8Array() }),
    () => ({ ...record, trace: { traceparent: oddText(random) } }),
  ])();
}

const headerNames = [
  'Latchkey-Epoch',
  'Latchkey-Seq',
  'Latchkey-Publisher',
  'KV-Operation',
  'traceparent',
  'Nats-TTL',
];
const headerValues = [
  '1',
  '2',
  '-1',
  '1e3',
  'NaN',
  '99999999999999999999',
  'DEL',
  'PURGE',
  '__proto__',
  '0x10',
  ' 7',
  '',
];

function fuzzedHeaders(random: Random): Parameters<typeof parseHeaders>[0] {
  const made = headers();
  for (let left = below(random, 5); left > 0; left--) {
    made.append(random.pick(headerNames), random.pick(headerValues));
  }
  return made;
}

/** Records to be staged: sound ones, of which some are changed, twice, missing or in another order; a manifest last. */
export function fuzzedRecords(random: Random, seq: number): BusRecord[] {
  let records = soundRecords().map((record) => ({ ...record, seq }));
  for (let left = below(random, 4); left > 0; left--) {
    const at = below(random, records.length);
    const record = records[at];
    if (record === undefined) break;
    records = records.with(at, mutateRecord(random, record));
    if (random.chance(0.1)) records.splice(at, 1);
    if (random.chance(0.1)) records.push(record);
  }
  const stored = new Map(records.filter(({ deleted }) => !deleted).map((record) => [record.key, record]));
  const set = createDigestSet();
  for (const { key, bytes } of stored.values()) set.set(key, bytes);
  const stated = stored.get(formatKey({ owner, kind: 'recipe' }))?.bytes;
  const manifest = aManifest(owner, set, {
    seq,
    recipeDigest: recipeDigest(stated),
    complete: random.chance(0.95),
  });
  records.push(random.chance(0.15) ? mutateRecord(random, manifest) : manifest);
  if (random.chance(0.05)) records.reverse();
  return records;
}
