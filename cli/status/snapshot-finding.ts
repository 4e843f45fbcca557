import {
  type SnapshotSummary,
  snapshotAnnotation,
  snapshotSummarySchema,
} from '#shared/contracts/rules-snapshot.ts';
import type { Secret } from '#shared/kubernetes/kubernetes-object.ts';
import { describeTime, type Finding, unseen } from './finding.ts';
import type { InstallationFacts } from './installation-facts.ts';

const about = 'snapshot';

/** The rules from which a gateway starts while the bus is away. An old one is as good: it is written when rules change. */
export function findSnapshot({ snapshot, nowMs }: InstallationFacts): Finding {
  if ('unseen' in snapshot) return unseen(about, snapshot.unseen);
  const held = readSummary(snapshot.value);
  if (held === undefined) {
    const summary = 'none: a gateway that starts while the bus is away waits for it';
    return { about, summary, problems: [], facts: { takenAt: null } };
  }
  const { takenAt, owners, shardBytes } = held;
  const records = owners.map(({ owner, records: count }) => `${owner} ${count}`).join(', ');
  const kibibytes = Math.ceil(shardBytes.reduce((sum, bytes) => sum + bytes, 0) / 1_024);
  return {
    about,
    summary: `of ${describeTime(Date.parse(takenAt), nowMs)}, rules of ${records || 'nobody'}, ${kibibytes} KiB`,
    problems: [],
    facts: { takenAt, owners, shardBytes },
  };
}

function readSummary(secret: Secret | undefined): SnapshotSummary | undefined {
  try {
    return snapshotSummarySchema.parse(JSON.parse(secret?.metadata.annotations?.[snapshotAnnotation] ?? ''));
  } catch {
    return undefined;
  }
}
