import {
  rulesSnapshotAnnotation,
  type SnapshotSummary,
  snapshotSecretName,
  snapshotShardName,
  snapshotSummarySchema,
} from '#shared/contracts/kubernetes/rules-snapshot.ts';
import { describeAge } from '#shared/core/text/age.ts';
import type { Secret } from '#shared/kubernetes/requests/kubernetes-object.ts';
import { describeTime, type Finding, type Problem, unseen } from './finding.ts';
import type { InstallationFacts } from './installation-facts.ts';

const about = 'snapshot';
const name = snapshotSecretName(0);

/**
 * Checks the snapshot from which a gateway starts while the bus is away. Its age does not matter: it is written when
 * rules change. discovery tells in it, too, whose rules nobody confirms.
 */
export function checkSnapshot({
  snapshot,
  found,
  nowMs,
}: Pick<InstallationFacts, 'snapshot' | 'found' | 'nowMs'>): Finding {
  if (!found.config.snapshot.enabled) {
    return { about, summary: 'disabled (snapshot.enabled: false)', problems: [], facts: { wanted: false } };
  }
  if ('unseen' in snapshot) return unseen(about, snapshot.unseen);
  const held = readHeld(snapshot.value);
  if ('message' in held) {
    const summary = 'none: a gateway that starts during a bus outage waits for the bus';
    return { about, summary, problems: [held], facts: { takenAt: null } };
  }
  const { takenAt, owners, shardBytes, leftOut, stale = [] } = held;
  const records = owners.map(({ owner, records: count }) => `${owner} ${count}`).join(', ');
  const kibibytes = Math.ceil(shardBytes.reduce((sum, bytes) => sum + bytes, 0) / 1_024);
  return {
    about,
    summary: `of ${describeTime(Date.parse(takenAt), nowMs)}, rules of ${records || 'no manager'}, ${kibibytes} KiB`,
    problems: [
      ...(leftOut === undefined ? [] : [lacking(leftOut)]),
      ...stale.map(({ manager, since }) => unconfirmed(manager, nowMs - Date.parse(since))),
    ],
    facts: { takenAt, owners, shardBytes, stale, ...(leftOut === undefined ? {} : { leftOut }) },
  };
}

/** Reads the snapshot's header from the first Secret, or why there is none. */
function readHeld(secret: Secret | undefined): SnapshotSummary | Problem {
  if (secret === undefined) return gone;
  const text = secret.metadata.annotations?.[rulesSnapshotAnnotation];
  if (text === undefined) return neverWritten;
  const summary = parseSummary(text);
  const bytes = Buffer.from(secret.data?.[snapshotShardName(0)] ?? '', 'base64').length;
  return summary?.shardBytes[0] === bytes ? summary : unreadable;
}

function parseSummary(text: string): SnapshotSummary | undefined {
  try {
    return snapshotSummarySchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

const lacking = ({ count, names }: NonNullable<SnapshotSummary['leftOut']>): Problem => ({
  message: `the largest rules do not fit into it: ${names.join(', ')}${count > names.length ? `, and ${count - names.length} more` : ''}`,
  advice:
    'a gateway that starts during a bus outage answers 503 there: lower limits.namespaceKiB, or select fewer namespaces',
});

const unconfirmed = (manager: string, ageMs: number): Problem => ({
  message: `the rules of manager ${manager} are stale: not confirmed to discovery for ${describeAge(ageMs)}`,
  advice: `gateways answer 503 for secrets of ${manager} that they do not know: check the pods of resolver-${manager}, their /readyz and log, and their way to NATS and to what they list`,
});

const gone: Problem = {
  message: `there is no Secret ${name}`,
  advice: 'kubectl apply -k deploy, because discovery may not create it; or set snapshot.enabled: false',
};

const neverWritten: Problem = {
  message: `Secret ${name} is empty: no snapshot of the rules has been written`,
  advice:
    'discovery writes it seconds after the rules of a manager are complete; otherwise its log has the reason',
};

const unreadable: Problem = {
  message: `Secret ${name} does not match its annotation ${rulesSnapshotAnnotation}`,
  advice: 'discovery rewrites it within snapshot.intervalSeconds; otherwise its log has the reason',
};
