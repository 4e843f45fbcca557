import { createHash } from 'node:crypto';
import { ownSecretPrefix } from '#shared/contracts/kubernetes/own-object.ts';

/** A global secret by its lookup name, `env:TEAM_TOKEN` or `file:team/token`. */
interface GlobalValue {
  name: string;
  value: Uint8Array;
}
/** The place where reference delivery keeps a global secret, the same in each namespace. */
interface CopyPlace {
  secretName: string;
  secretKey: string;
}

export interface GlobalCopies {
  /** The Secrets to keep in each selected namespace: name -> data key -> base64 of the value. */
  copies: Map<string, Record<string, string>>;
  placement: Map<string, CopyPlace>;
  /** Globals that no Secret can hold, and why. */
  refused: { name: string; problem: string }[];
}

/** Kubernetes allows 1 MiB of data in a Secret; the rest is for its keys. */
const mostBytes = 900 * 1024;
/** Of one first digit there are at most this many Secrets more, so that few names can be a copy's. */
const mostOverflow = 9;
/** Longest data key (apimachinery IsConfigMapKey). */
const longestKey = 253;

/**
 * Lays global secrets out in Secrets `latchkey-global-<first hex digit of the name's hash>[-<n>]`, n up to 9. A change
 * rewrites one sixteenth of them. The same set gives the same layout, in whatever order it comes.
 */
export function planGlobalCopies(globals: readonly GlobalValue[]): GlobalCopies {
  const plan: GlobalCopies = { copies: new Map(), placement: new Map(), refused: [] };
  const filled = new Map<string, { overflow: number; bytes: number }>();
  for (const { name, value } of globals.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const secretKey = dataKey(name);
    const problem = findProblem(secretKey, value);
    if (problem !== undefined) {
      plan.refused.push({ name, problem });
      continue;
    }
    const shard = createHash('sha256').update(name).digest('hex').charAt(0);
    const bytes = secretKey.length + value.length;
    const last = filled.get(shard) ?? { overflow: 0, bytes: 0 };
    const fits = last.bytes + bytes <= mostBytes;
    const current = fits
      ? { overflow: last.overflow, bytes: last.bytes + bytes }
      : { overflow: last.overflow + 1, bytes };
    if (current.overflow > mostOverflow) {
      plan.refused.push({ name, problem: `the ${mostOverflow + 1} Secrets that may hold it are full` });
      continue;
    }
    filled.set(shard, current);
    const secretName = copyName(shard, current.overflow);
    const data = plan.copies.get(secretName) ?? {};
    data[secretKey] = Buffer.from(value).toString('base64');
    plan.copies.set(secretName, data);
    plan.placement.set(name, { secretName, secretKey });
  }
  return plan;
}

const copyName = (shard: string, overflow: number): string =>
  `${ownSecretPrefix}global-${shard}${overflow === 0 ? '' : `-${overflow}`}`;
const copyNames = new Set(
  Array.from('0123456789abcdef', (shard) =>
    Array.from({ length: mostOverflow + 1 }, (_, overflow) => copyName(shard, overflow)),
  ).flat(),
);

/** Whether any set of global secrets could have a copy of this name. */
export const isCopyName = (name: string): boolean => copyNames.has(name);

/**
 * The part of the copies that a namespace is to hold, each secret at its place in the whole: what one namespace may not
 * have moves nothing in another.
 */
export function copiesWithin(
  { copies, placement }: GlobalCopies,
  mayHold: (name: string) => boolean,
): Map<string, Record<string, string>> {
  const within = new Map<string, Record<string, string>>();
  for (const [name, { secretName, secretKey }] of placement) {
    const value = copies.get(secretName)?.[secretKey];
    if (value === undefined || !mayHold(name)) continue;
    const data = within.get(secretName) ?? {};
    data[secretKey] = value;
    within.set(secretName, data);
  }
  return within;
}

/** Bytes outside `[-.A-Za-z0-9]` as `_XX`, for a data key has no `:`, `/` or `=` (apimachinery IsConfigMapKey). */
function dataKey(name: string): string {
  return Array.from(Buffer.from(name), (byte) => {
    const char = String.fromCharCode(byte);
    return /[-.A-Za-z0-9]/.test(char) ? char : `_${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }).join('');
}

function findProblem(secretKey: string, value: Uint8Array): string | undefined {
  if (secretKey.length > longestKey) {
    return `the name is too long for a key of a Secret (${secretKey.length} of ${longestKey} characters)`;
  }
  if (secretKey.length + value.length > mostBytes) {
    return `the value of ${value.length} bytes is too large for a Secret (${mostBytes})`;
  }
  return undefined;
}
