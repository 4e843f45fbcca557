import { compareVersions } from '#shared/bus/records/version.ts';
import { readSnapshot } from '#shared/bus/snapshot/snapshot-format.ts';
import {
  rulesSnapshotAnnotation,
  type SnapshotSummary,
  snapshotSecretNames,
  snapshotSummarySchema,
} from '#shared/contracts/kubernetes/rules-snapshot.ts';
import type { BareCluster } from '#testkit/cluster/bare-cluster.ts';
import { installationNamespace } from '#testkit/cluster/manifests.ts';
import type { ServicePod } from '#testkit/kubelet/service-pod.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import type { Source } from './canary-search.ts';
import { readSamples, sumOf } from './read-samples.ts';

const timeoutMs = 30_000;
type Harness = Pick<BareCluster, 'harness'>;

/** The Secrets of the snapshot as they are stored, in their order. */
const snapshotSecrets = ({ harness }: Harness) =>
  Promise.all(
    snapshotSecretNames.map((name) =>
      harness.core.readNamespacedSecret({ namespace: installationNamespace, name }),
    ),
  );

/** What the snapshot says of itself. Throws while there is none. */
export async function snapshotSummary(cluster: Harness): Promise<SnapshotSummary> {
  const [first] = await snapshotSecrets(cluster);
  return snapshotSummarySchema.parse(
    JSON.parse(first?.metadata?.annotations?.[rulesSnapshotAnnotation] ?? ''),
  );
}

/** The snapshot, unpacked; undefined when it cannot be used. */
export async function storedSnapshot(cluster: Harness) {
  const secrets = await snapshotSecrets(cluster);
  const files = secrets.flatMap(({ data = {} }) => Object.entries(data));
  const found = await readSnapshot(
    new Map(files.map(([name, value]) => [name, Buffer.from(value, 'base64')])),
    Number.POSITIVE_INFINITY,
  );
  return 'records' in found ? found : undefined;
}

/** What is stored in the snapshot, unpacked, to be searched. */
export async function snapshotSources(cluster: Harness): Promise<Source[]> {
  const { records = [] } = (await storedSnapshot(cluster)) ?? {};
  const lines = records.map(({ key, bytes, trace }) =>
    [key, Buffer.from(bytes), JSON.stringify(trace)].join(' '),
  );
  return [{ name: 'snapshot of the rules', text: lines.join('\n') }];
}

/** Waits until the snapshot holds at least the rules that the gateway has in force at this moment. */
export async function untilSnapshotHolds(
  cluster: Harness,
  { ports }: ServicePod,
  managers: readonly string[] = ['global', 'k8s'],
): Promise<void> {
  const samples = readSamples(await (await fetch(`http://127.0.0.1:${ports.health}/metrics`)).text());
  const inForce = managers.map((manager) => ({
    owner: manager,
    epoch: sumOf(samples, 'latchkey_rules_epoch', { manager }),
    seq: sumOf(samples, 'latchkey_rules_seq', { manager }),
  }));
  const holds = async (): Promise<boolean> => {
    const { owners } = await snapshotSummary(cluster);
    return inForce.every((version) =>
      owners.some((held) => held.owner === version.owner && compareVersions(held, version) >= 0),
    );
  };
  await waitFor(holds, { timeoutMs, what: `a snapshot of ${JSON.stringify(inForce)}` });
}
