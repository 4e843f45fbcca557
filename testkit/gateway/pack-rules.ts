import type { Logger } from 'pino';
import type { Bus } from '#shared/bus/link/bus.ts';
import { createReader } from '#shared/bus/read/reader.ts';
import { readSnapshot } from '#shared/bus/snapshot/snapshot-format.ts';
import { rulesBucket as bucket } from '#shared/contracts/bus/bucket.ts';
import { snapshotShardName } from '#shared/contracts/kubernetes/rules-snapshot.ts';
import { createRuleIndex } from '#shared/core/rules/index/rule-index.ts';
import { systemClock } from '#shared/runtime/clock.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import { createPackedRules } from '../../services/discovery/snapshot/packed-rules.ts';
import { createIndexSink } from '../../services/gateway/rules/index-sink.ts';

const owner = 'k8s';
const patience = { timeoutMs: 300_000, intervalMs: 2 };

/** What a loop over the rules works with. */
export interface RulesLoop {
  bus: Bus;
  mostBytes: number;
  log: Logger;
}

/** Does what discovery does to store the rules: reads them, packs them, and begins with what it has packed. */
export async function packRules({ bus, mostBytes, log }: RulesLoop): Promise<readonly Uint8Array[]> {
  const source = { bucket, owners: [owner], mostBytes, log, clock: systemClock };
  const reader = createReader(bus, { ...source, onApply: () => undefined });
  await waitFor(() => reader.isComplete(owner), { ...patience, what: 'the rules to be read' });
  const packed = await createPackedRules(undefined, log);
  await packed.pack(await reader.records(), new Date().toISOString());
  await reader.stop();
  return packed.snapshot()?.shards ?? [];
}

/** Does what a gateway does that starts from a snapshot: unpacks it, and puts its rules in force. */
export async function startFrom(
  shards: readonly Uint8Array[],
  { bus, mostBytes, log }: RulesLoop,
): Promise<void> {
  const files = new Map(shards.map((shard, at) => [snapshotShardName(at), shard]));
  const found = await readSnapshot(files, mostBytes);
  if (!('records' in found)) throw new Error(`the snapshot is ${found.state}`);
  const sink = createIndexSink({ index: createRuleIndex(), log, onFault: () => undefined });
  const source = { bucket, owners: [owner], mostBytes, log, clock: systemClock, initial: found.records };
  const reader = createReader(bus, { ...source, keepsRecords: false, prepare: sink.prepare });
  await waitFor(() => reader.isComplete(owner), { ...patience, what: 'the rules to be in force' });
  await reader.stop();
}
