import type { BusLink } from '#shared/bus/link/bus.ts';
import { streamOf } from '#shared/contracts/bus/bucket.ts';
import { countStoredRecords, readPage } from './stored-records.ts';

/** Records of one answer: a full bucket takes some fifty, of 8 MiB at most each. */
const pageRecords = 16_384;

/** How many records a bucket stores, and of whom. */
export interface OwnerCounts {
  /** Of the owners asked for by token, those that have records, the largest number first. */
  byOwner: [ownerToken: string, records: number][];
  /** Of all others. */
  others: number;
}

/**
 * Counts the records of some owners. The server counts; a list of the names could be as long as the bucket. Throws what it
 * answers, and BUS_UNAVAILABLE.
 */
export async function countByOwner(
  link: BusLink,
  bucket: string,
  ownerTokens: Iterable<string>,
): Promise<OwnerCounts> {
  const byOwner: [string, number][] = [];
  let owned = 0;
  for (const token of ownerTokens) {
    const records = await countStoredRecords(link, bucket, `${token}.>`);
    if (records > 0) byOwner.push([token, records]);
    owned += records;
  }
  const { state } = await link.jsm.streams.info(streamOf(bucket));
  byOwner.sort(([, left], [, right]) => right - left);
  return { byOwner, others: Math.max(0, state.messages - owned) };
}

/**
 * Goes through a bucket page by page, and hands over the tokens of owners other than these as each page finds them: a
 * thief's need not be a name. Nothing of a page is kept.
 * @throws BUS_UNAVAILABLE
 */
export async function* findOthers(
  link: BusLink,
  bucket: string,
  ownerTokens: ReadonlySet<string>,
): AsyncGenerator<ReadonlySet<string>> {
  const { state } = await link.jsm.streams.info(streamOf(bucket));
  let next = 1;
  // What is written meanwhile is left to the next time.
  while (next <= state.last_seq) {
    const query = { filter: '>', fromRevision: next, batch: pageRecords };
    const { records, pending } = await readPage(link, bucket, query);
    const tokens = new Set(records.map(({ key }) => key.split('.', 1)[0] ?? ''));
    // A wildcard, should one be stored, would mean everybody's.
    for (const token of [...ownerTokens, '*', '>']) tokens.delete(token);
    yield tokens;
    const last = records.at(-1);
    if (last === undefined || pending === 0) return;
    next = last.revision + 1;
  }
}
