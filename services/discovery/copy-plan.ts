import { createHash } from 'node:crypto';

/** Data of one Secret: base64 by data key. */
export type SecretData = Readonly<Record<string, string>>;

/** A copy that latchkey owns, as it stands in a namespace; its values only as a digest. */
export interface OwnedCopy {
  namespace: string;
  name: string;
  uid: string;
  resourceVersion: string;
  keys: readonly string[];
  dataDigest: string;
  /** Somebody made it immutable: it can only be deleted and made anew. */
  immutable: boolean;
}

/** One step towards the desired copies of a namespace. */
export type CopyStep =
  | { kind: 'create'; name: string; data: SecretData }
  | { kind: 'replace'; name: string; data: SecretData; resourceVersion: string }
  | { kind: 'delete'; name: string; uid: string; resourceVersion: string };

/** Tells whether two Secrets hold the same data, without keeping either. Stays in memory, is never published. */
export function digestData(data: SecretData): string {
  const entries = Object.entries(data).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(entries)).digest('hex');
}

/** The steps that make the owned copies of one namespace equal the desired ones; none when they are. */
export function planCopies(
  desired: ReadonlyMap<string, SecretData>,
  owned: readonly OwnedCopy[],
): CopyStep[] {
  const ownedByName = new Map(owned.map((copy) => [copy.name, copy]));
  const steps: CopyStep[] = [];
  for (const [name, data] of desired) {
    const copy = ownedByName.get(name);
    if (copy === undefined) steps.push({ kind: 'create', name, data });
    else if (copy.dataDigest !== digestData(data)) steps.push(...changeSteps(copy, data));
  }
  for (const { name, uid, resourceVersion } of owned) {
    if (!desired.has(name)) steps.push({ kind: 'delete', name, uid, resourceVersion });
  }
  return steps;
}

/** Whether, as long as the step fails, a key is missing to which a pod may refer. */
export function addsKey(step: CopyStep, owned: OwnedCopy | undefined): boolean {
  return step.kind !== 'delete' && Object.keys(step.data).some((key) => owned?.keys.includes(key) !== true);
}

function changeSteps({ name, uid, resourceVersion, immutable }: OwnedCopy, data: SecretData): CopyStep[] {
  if (!immutable) return [{ kind: 'replace', name, data, resourceVersion }];
  return [
    { kind: 'delete', name, uid, resourceVersion },
    { kind: 'create', name, data },
  ];
}
