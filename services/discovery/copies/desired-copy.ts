import { createHash } from 'node:crypto';

/** Holds the data of one Secret: base64 by data key. */
export type SecretData = Readonly<Record<string, string>>;

/** Describes a copy by its data, and by what is compared of it, made once for all namespaces. */
export interface DesiredCopy {
  data: SecretData;
  digest: string;
  keys: ReadonlySet<string>;
}

/** Maps the names of the copies that a namespace is to hold. */
export type DesiredCopies = ReadonlyMap<string, DesiredCopy>;

/** Takes the digest and the keys of the data of each copy. */
export const desiredCopies = (copies: ReadonlyMap<string, SecretData>): DesiredCopies =>
  new Map(
    Array.from(copies, ([name, data]) => [
      name,
      { data, digest: digestData(data), keys: new Set(Object.keys(data)) },
    ]),
  );

/** Digests data, to compare it without keeping it. The digest stays in memory and is never published. */
export function digestData(data: SecretData): string {
  const entries = Object.entries(data).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(entries)).digest('hex');
}
