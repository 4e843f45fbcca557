import { createHash } from 'node:crypto';

/** Data of one Secret: base64 by data key. */
export type SecretData = Readonly<Record<string, string>>;

/** What a copy is to hold, and what is compared of it, made once for all namespaces. */
export interface DesiredCopy {
  data: SecretData;
  digest: string;
  keys: ReadonlySet<string>;
}

/** The copies that a namespace is to hold, by name. */
export type DesiredCopies = ReadonlyMap<string, DesiredCopy>;

/** Takes the digest and the keys of the data of each copy. */
export const desiredCopies = (copies: ReadonlyMap<string, SecretData>): DesiredCopies =>
  new Map(
    Array.from(copies, ([name, data]) => [
      name,
      { data, digest: digestData(data), keys: new Set(Object.keys(data)) },
    ]),
  );

/** Tells whether two Secrets hold the same data, without keeping either. Stays in memory, is never published. */
export function digestData(data: SecretData): string {
  const entries = Object.entries(data).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(entries)).digest('hex');
}
