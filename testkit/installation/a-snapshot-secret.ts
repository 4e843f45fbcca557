import { rulesSnapshotAnnotation, snapshotShardName } from '#shared/contracts/kubernetes/rules-snapshot.ts';
import type { Secret } from '#shared/kubernetes/requests/kubernetes-object.ts';

const bytes = 2_000;

/** For tests: the first Secret of a snapshot of 2,000 bytes, sound but for what is given. */
export function aSnapshotSecret({
  takenAt,
  annotation,
  leftOut,
  stale,
  shard = Buffer.alloc(bytes).toString('base64'),
}: {
  takenAt: string;
  annotation?: string;
  /** Names of what has no room in it. */
  leftOut?: string[];
  stale?: { manager: string; since: string }[];
  /** Base64. */
  shard?: string;
}): Secret {
  const summary = {
    schema: 1,
    generation: 'a'.repeat(64),
    takenAt,
    shardBytes: [bytes],
    owners: [{ owner: 'k8s', epoch: 1, seq: 7, records: 5 }],
    ...(leftOut === undefined ? {} : { leftOut: { count: leftOut.length, names: leftOut } }),
    ...(stale === undefined ? {} : { stale }),
  };
  const annotations = { [rulesSnapshotAnnotation]: annotation ?? JSON.stringify(summary) };
  return { metadata: { name: 'any', annotations }, data: { [snapshotShardName(0)]: shard } };
}
