import type { Terminal, Values } from '#cli/command.ts';
import { findConfig, type Installation, withInstallation } from '#cli/installation.ts';
import { createStaging } from '#shared/bus/read/staging.ts';
import type { BusRecord } from '#shared/bus/records/record.ts';
import { mostSnapshotBytes, type RulesSnapshot, readSnapshot } from '#shared/bus/snapshot/snapshot-format.ts';
import { parseKey } from '#shared/contracts/bus/bucket.ts';
import type { LatchkeyConfig } from '#shared/contracts/config/latchkey-config.ts';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { snapshotSecretNames } from '#shared/contracts/kubernetes/rules-snapshot.ts';
import type { Rules } from '#shared/core/rules/chain.ts';
import { createRuleIndex } from '#shared/core/rules/index/rule-index.ts';
import { excludedNamespaces } from '#shared/installation/excluded-namespaces.ts';
import { readObject } from '#shared/kubernetes/objects/read-objects.ts';
import type { Secret } from '#shared/kubernetes/requests/kubernetes-object.ts';
import type { AskedRules } from './explain-pods.ts';

/** Times of reading again: discovery may be writing the Secrets at that moment. */
const mostReads = 4;
const againMs = 500;

/**
 * Reads the rules that the gateways of an installation start from: its configuration, and the snapshot of its rules.
 * Uses (get) of configmaps and secrets.
 * @throws CONFIG_INVALID when the installation writes no snapshot; SNAPSHOT_UNUSABLE when there is none to be used
 */
export async function readLiveRules(terminal: Terminal, values: Values): Promise<AskedRules> {
  return withInstallation(terminal, values, async (installation) => {
    const { config, source } = await findConfig(terminal, values, installation);
    if (!config.snapshot.enabled) {
      throw new LatchkeyError(
        'CONFIG_INVALID',
        `${source} has snapshot.enabled: false: --live reads the snapshot`,
      );
    }
    const snapshot = await readLiveSnapshot(installation, mostSnapshotBytes(config), terminal.clock);
    const { takenAt, records } = snapshot;
    terminal.errors.line(
      `configuration: ${source}; rules: snapshot in namespace ${installation.namespace}, last changed ${takenAt}`,
    );
    const rules = rulesOfRecords(records, config, terminal.clock.now() - Date.parse(takenAt));
    return { rulesOf: () => rules, excluded: excludedNamespaces(config.webhook, installation.namespace) };
  });
}

/** Reads the snapshot from its Secrets. */
export async function readLiveSnapshot(
  { kubernetes, namespace }: Pick<Installation, 'kubernetes' | 'namespace'>,
  mostBytes: number,
  clock: Pick<Terminal['clock'], 'sleep'>,
): Promise<RulesSnapshot> {
  for (let reads = 1; ; reads += 1) {
    const secrets = await Promise.all(
      snapshotSecretNames.map((name) =>
        readObject<Secret>(kubernetes, { resource: 'secrets', namespace, name }),
      ),
    );
    const found = await readSnapshot(shardsOf(secrets), mostBytes);
    if ('records' in found) return found;
    if (found.state !== 'torn' || reads === mostReads) {
      throw new LatchkeyError(
        'SNAPSHOT_UNUSABLE',
        `the snapshot of the rules in namespace ${namespace} cannot be used, it is ${found.state}: ${found.problem}; latchkey status tells more`,
      );
    }
    await clock.sleep(againMs);
  }
}

function shardsOf(secrets: readonly (Secret | undefined)[]): Map<string, Uint8Array> {
  const shards = secrets.flatMap((secret) => Object.entries(secret?.data ?? {}));
  return new Map(shards.map(([name, data]) => [name, Buffer.from(data, 'base64')]));
}

/** Stands for a value that only a gateway can open. */
const sealed = '(sealed)';

/** The rules of the managers of the chain whose set is complete, as a gateway takes them in. */
export function rulesOfRecords(
  records: readonly BusRecord[],
  { chain, k8s, gateway }: LatchkeyConfig,
  ageMs: number,
): Rules {
  const index = createRuleIndex({ open: () => ({ value: sealed }) });
  for (const owner of chain) {
    const staging = createStaging(owner);
    for (const record of records) if (parseKey(record.key)?.owner === owner) staging.stage(record);
    const applied = staging.apply();
    if (applied !== undefined) index.apply(owner, applied.set.changes);
  }
  return {
    index,
    chain,
    namespaces: k8s.namespaces,
    skippedContainers: gateway.skippedContainers,
    isStale: () => false,
    ageMs: () => Math.max(0, ageMs),
  };
}
