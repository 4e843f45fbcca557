import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { createStaging, type Staging } from '#shared/bus/read/staging.ts';
import { createDigestSet, recipeDigest } from '#shared/bus/records/digest.ts';
import type { BusRecord } from '#shared/bus/records/record.ts';
import { formatSnapshot, readSnapshot } from '#shared/bus/snapshot/snapshot-format.ts';
import { generationOf } from '#shared/bus/snapshot/snapshot-shards.ts';
import { formatKey, parseKey } from '#shared/contracts/bus/bucket.ts';
import { manifestSchema } from '#shared/contracts/bus/manifest.ts';
import { inventoryEntrySchema } from '#shared/contracts/inventory/inventory-entry.ts';
import { snapshotShardName } from '#shared/contracts/kubernetes/rules-snapshot.ts';
import { ruleEntrySchema } from '#shared/contracts/rules/rule-entry.ts';
import { checkShape } from '#shared/contracts/shapes/check-shape.ts';
import { admit } from '#shared/core/admission/admit.ts';
import { createRuleIndex, type RuleIndex } from '#shared/core/rules/index/rule-index.ts';
import { managers } from '#shared/managers/shipped/managers.ts';
import { finishWork } from '#shared/runtime/turn-queue.ts';
import { aManifest } from '#testkit/nats/a-record.ts';
import { aPod, aReview } from '#testkit/pods/a-pod.ts';
import type { Random } from '#testkit/properties/random.ts';
import { judgeAdmission } from './admission-oracle.ts';
import type { CaseNotes, FuzzTarget } from './fuzz-target.ts';
import { config, entryKey, fuzzedRecords, owner, soundRecords } from './fuzzed-records.ts';
import { below, jsonBytes, listOf, mutateBytes, mutateJson, oddText } from './mutate.ts';

const factOf = (secret: string): object => ({
  schema: 1,
  source: owner,
  namespace: 'ns',
  secret,
  keys: ['k'],
  version: '1',
});
const lookupKey = 'db/k';
const body = jsonBytes(aReview(aPod({ asks: [{ group: 'db', key: 'k' }] })));

/**
 * What somebody who holds a resolver's login may write: staged, applied and asked about as a gateway does. Only a set
 * that its manifest counts is applied, and what of it cannot be used leaves the former rule in force.
 */
export const recordsTarget: FuzzTarget = {
  name: 'records',
  share: 15,
  open: () => ({
    run: (random, notes) => {
      const kind = random.pick([tryStaging, tryStaging, trySnapshot, tryInventory]);
      return kind(random, notes);
    },
  }),
};

/** A gateway that holds the sound rules. */
function aGateway(): { staging: Staging; index: RuleIndex } {
  const staging = createStaging(owner);
  const index = createRuleIndex();
  const records = soundRecords();
  const set = createDigestSet();
  for (const { key, bytes } of records) set.set(key, bytes);
  const manifest = aManifest(owner, set, { recipeDigest: recipeDigest(records[0]?.bytes) });
  for (const record of [...records, manifest]) staging.stage(record);
  const first = staging.apply();
  assert.deepEqual(index.apply(owner, first?.set.changes ?? []), []);
  assert.ok(index.item(owner, 'ns', lookupKey), 'the sound rules are in force');
  return { staging, index };
}

function tryStaging(random: Random, notes: CaseNotes): void {
  const rounds = listOf(1 + below(random, 3), (round) => fuzzedRecords(random, round + 2));
  const { staging, index } = aGateway();
  notes.input(rounds.map((records) => records.map((record) => ({ ...record, bytes: textOf(record) }))));
  for (const records of rounds) {
    if (random.chance(0.1)) staging.reset();
    for (const record of records) staging.stage(record);
    stepOn(staging, index, notes);
  }
  askGateway(index, notes);
}

const textOf = ({ bytes }: BusRecord): string => Buffer.from(bytes).toString('latin1');

function stepOn(staging: Staging, index: RuleIndex, notes: CaseNotes): void {
  const before = index.item(owner, 'ns', lookupKey);
  const hadRecipe = index.recipe(owner);
  const heldBefore = staging.records();
  const second = staging.apply();
  notes.outcome(second === undefined ? 'not applied' : 'applied');
  if (second === undefined) return;
  checkComplete(staging.records());
  const faults = index.apply(owner, second.set.changes);
  if (faults.length > 0) notes.outcome('record refused');
  const refused = new Set(faults.map(({ fields }) => fields.key));
  const touches = (key: string): boolean =>
    [...second.set.changes].some((change) => formatKey(change.key) === key && !refused.has(key));
  if (!touches(formatKey({ owner, kind: 'recipe' }))) assert.equal(index.recipe(owner), hadRecipe);
  // Where another record names the same lookup key, what becomes of that is its doing, too.
  const ofOthers = [...heldBefore, ...staging.records()].some(
    (record) => record.key !== entryKey('db') && textOf(record).includes('"db'),
  );
  if (!ofOthers && !touches(entryKey('db'))) assert.deepEqual(index.item(owner, 'ns', lookupKey), before);
}

function checkComplete(inForce: readonly BusRecord[]): void {
  const set = createDigestSet();
  const isManifest = ({ key }: BusRecord): boolean => parseKey(key)?.kind === 'manifest';
  for (const { key, bytes } of inForce.filter((record) => !isManifest(record))) set.set(key, bytes);
  const manifest = inForce.find(isManifest);
  const says = manifestSchema.parse(JSON.parse(manifest === undefined ? '{}' : textOf(manifest)));
  assert.equal(says.complete, true, 'an incomplete set is in force');
  assert.deepEqual(
    [set.count, set.digest()],
    [says.count, says.digest],
    'another set than the manifest counts',
  );
}

function askGateway(index: RuleIndex, notes: CaseNotes): void {
  const rules = {
    index,
    chain: [owner],
    namespaces: config.k8s.namespaces,
    skippedContainers: config.gateway.skippedContainers,
    isStale: () => false,
    ageMs: () => 0,
  };
  judgeAdmission(admit, body, rules, notes);
}

/** Shards from Secrets that somebody has written to, some of them packed as a snapshot is. */
async function trySnapshot(random: Random, notes: CaseNotes): Promise<void> {
  const sound = finishWork(formatSnapshot(fuzzedRecords(random, 2).filter(({ deleted }) => !deleted)));
  const content = random.chance(0.3) ? mutateBytes(random, sound) : sound;
  const packed = gzipSync(content, { level: 1 });
  const count = 1 + below(random, 3);
  const partBytes = Math.ceil(packed.length / count);
  const shards = listOf(count, (index) => {
    const header = {
      schema: 1,
      generation: finishWork(generationOf(content)),
      index,
      count,
      takenAt: '2026-11-30T00:00:00.000Z',
    };
    const stated = random.chance(0.1) ? mutateJson(random, header) : header;
    const part = packed.subarray(index * partBytes, (index + 1) * partBytes);
    const shard = Buffer.concat([jsonBytes(stated), Buffer.from('\n'), part]);
    return [snapshotShardName(index), random.chance(0.1) ? mutateBytes(random, shard) : shard] as const;
  });
  notes.input(shards.map(([name, bytes]) => `${name} ${Buffer.from(bytes).toString('latin1')}`));
  const read = await readSnapshot(new Map(shards), 1_024 * 1_024);
  notes.outcome('records' in read ? 'snapshot read' : `snapshot ${read.state}`);
  if (!('records' in read)) return;
  const staging = createStaging(owner);
  const index = createRuleIndex();
  for (const record of read.records) staging.stage(record);
  stepOn(staging, index, notes);
  askGateway(index, notes);
}

/** Facts as discovery writes them, and what a resolver makes of them. */
function tryInventory(random: Random, notes: CaseNotes): void {
  const fact = mutateJson(random, factOf(random.chance(0.5) ? 'db' : oddText(random)));
  notes.input(fact);
  const parsed = checkShape(inventoryEntrySchema, fact);
  notes.outcome(parsed.success ? 'fact taken' : 'fact refused');
  if (!parsed.success) return;
  for (const manager of managers.values()) {
    const rule = manager.entry(parsed.data, config);
    if (rule === undefined) continue;
    assert.ok(ruleEntrySchema.safeParse(rule.entry).success, 'a rule that a gateway would refuse');
    // Of what is no Unicode a key says that it is none; Kubernetes has no such name.
    const [namespace, secret] = [rule.namespace?.toWellFormed(), rule.secret.toWellFormed()];
    const key = { owner: manager.name, kind: 'entry', namespace, secret } as const;
    assert.deepEqual(parseKey(formatKey(key)), key, 'a key that cannot be read back');
  }
}
