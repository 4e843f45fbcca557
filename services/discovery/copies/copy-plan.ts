import type { DesiredCopies, DesiredCopy } from './desired-copy.ts';

/** Names the type of every copy. */
export const copyType = 'Opaque';

/** Describes a Secret that is labelled as a copy; of its values it keeps a digest, and nothing without bound. */
export interface OwnedCopy {
  namespace: string;
  name: string;
  uid: string;
  resourceVersion: string;
  dataDigest: string;
  /** Tells whether its type is that of copies; the type itself may be long. */
  isOpaque: boolean;
  /** Tells that somebody made it immutable: it can only be deleted and created again. */
  immutable: boolean;
  /** Names the namespace of its installation; undefined for a copy of latchkey 0.1.0, which did not say. */
  installation: string | undefined;
}

/** Adds to a copy what this process knows of its content. */
export interface KnownCopy extends OwnedCopy {
  /**
   * The keys under which it holds what this process wrote or found right, perhaps an earlier value; undefined where
   * somebody else wrote it.
   */
  ourKeys: ReadonlySet<string> | undefined;
}

/** Holds what is known of one namespace: the copies by name, and the names from which one went without our doing. */
export interface KnownCopies {
  copies: ReadonlyMap<string, KnownCopy>;
  lost: ReadonlySet<string>;
}

/** Makes one step towards the desired copies of a namespace. */
export type CopyStep =
  | { kind: 'create'; name: string; wanted: DesiredCopy }
  | { kind: 'replace'; name: string; wanted: DesiredCopy; uid: string; resourceVersion: string }
  | { kind: 'delete'; name: string; uid: string; resourceVersion: string };

/** Says what is to be done in a namespace, and what pods must not be given until it is. */
export interface CopyPlan {
  /** Steps for the desired copies come first; there are as many as the global secrets make. */
  steps: CopyStep[];
  /** Deletions of what somebody else put, with our labels, at names that are not desired: without bound. */
  strays: CopyStep[];
  /** Names at which something stands that is neither desired nor was written by us. */
  forged: string[];
  /** Names from which a copy went without our doing. */
  lost: string[];
  /** Names at which the copy of another installation stands, which is not ours to change. */
  foreign: string[];
}

/**
 * Plans the steps that make the copies of one namespace equal the desired ones; none when they are. A copy of another
 * installation is left alone, and so is one of 0.1.0 that is not desired: it may be another installation's.
 */
export function planCopies(desired: DesiredCopies, known: KnownCopies, installation: string): CopyPlan {
  const lost = [...known.lost].filter((name) => desired.has(name));
  const plan: CopyPlan = { steps: [], strays: [], forged: [], foreign: [], lost };
  for (const [name, wanted] of desired) planCopy(plan, name, wanted, known.copies.get(name), installation);
  for (const copy of known.copies.values()) {
    if (desired.has(copy.name) || copy.installation !== installation) continue;
    const { name, uid, resourceVersion, ourKeys } = copy;
    const deletions = ourKeys === undefined ? plan.strays : plan.steps;
    deletions.push({ kind: 'delete', name, uid, resourceVersion });
  }
  return plan;
}

function planCopy(
  plan: CopyPlan,
  name: string,
  wanted: DesiredCopy,
  copy: KnownCopy | undefined,
  installation: string,
): void {
  if (copy === undefined) {
    plan.steps.push({ kind: 'create', name, wanted });
  } else if (copy.installation !== undefined && copy.installation !== installation) {
    plan.foreign.push(name);
  } else {
    const holds = holdsData(copy, wanted);
    if (!holds && copy.ourKeys === undefined) plan.forged.push(name);
    if (!holds || copy.installation === undefined) plan.steps.push(...changeSteps(copy, wanted));
  }
}

/** Tells whether pods that refer to the copy are given this data. */
export const holdsData = (copy: OwnedCopy, { digest }: DesiredCopy): boolean =>
  copy.isOpaque && copy.dataDigest === digest;

/** Tells whether a key is missing, to which a pod may refer, as long as the step fails. */
export function addsKey(step: CopyStep, known: KnownCopy | undefined): boolean {
  return step.kind !== 'delete' && [...step.wanted.keys].some((key) => known?.ourKeys?.has(key) !== true);
}

function changeSteps(
  { name, uid, resourceVersion, immutable, isOpaque }: OwnedCopy,
  wanted: DesiredCopy,
): CopyStep[] {
  // The API server refuses to change an immutable Secret, and the type of any.
  if (!immutable && isOpaque) return [{ kind: 'replace', name, wanted, uid, resourceVersion }];
  return [
    { kind: 'delete', name, uid, resourceVersion },
    { kind: 'create', name, wanted },
  ];
}
