import type { DigestSet } from '#shared/bus/records/digest.ts';
import type { BusRecord } from '#shared/bus/records/record.ts';

/** A stored record; the body may be any JSON value or, for the unreadable kind, raw text in `bytes`. */
export function aRecord(given: Partial<BusRecord> & { key: string; body?: unknown }): BusRecord {
  const { body = { schema: 1 }, ...rest } = given;
  return {
    revision: 1,
    epoch: 1,
    seq: 1,
    publisher: 'a',
    deleted: false,
    bytes: new TextEncoder().encode(JSON.stringify(body)),
    trace: {},
    ...rest,
  };
}

/** A manifest record that matches a set. */
export function aManifest(
  owner: string,
  set: DigestSet,
  given: { epoch?: number; seq?: number; complete?: boolean; recipeDigest?: string } = {},
): BusRecord {
  const { epoch = 1, seq = 1, complete = true, recipeDigest = '' } = given;
  const body = { schema: 1, epoch, seq, count: set.count, digest: set.digest(), recipeDigest, complete };
  return aRecord({ key: `${owner}.manifest`, epoch, seq, body });
}
