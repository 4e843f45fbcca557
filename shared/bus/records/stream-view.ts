import type { BusLink } from '#shared/bus/link/bus.ts';
import { streamOf } from '#shared/contracts/bus/bucket.ts';

/** What a check saw of the stream behind a bucket. */
export interface StreamView {
  /** RFC 3339 time of creation: a new one is a new stream, whatever its name. */
  created: string;
  lastRevision: number;
  /** How many records it stores: fewer after a purge, or when tombstones have expired. */
  stored: number;
  /** Since when who answers for the stream does so: another one after an election or a restart. */
  term: string;
}

/** Asks the server for its view of the stream behind a bucket. */
export async function viewStream({ jsm, nc }: BusLink, bucket: string): Promise<StreamView> {
  const { created, state, cluster } = await jsm.streams.info(streamOf(bucket));
  // Without a cluster its only server answers for the stream, and has a new id at each start.
  const term = cluster?.leader_since ?? nc.info?.server_id ?? '';
  return { created, lastRevision: state.last_seq, stored: state.messages, term };
}

/**
 * Judges whether a mirror's revision in the stream still means anything. Returns why everything must be read again, or
 * undefined. Events would not tell: a purge changes no `created` and sends none, and a recreated bucket goes on under
 * the same name from revision 1.
 *
 * `revision` is the last revision read, `live` the records known before the check that are no tombstones (those expire
 * by themselves), `stored` how many records the server has under the same filter, `acknowledged` whether some are known
 * on the word of the server alone: after a power failure the next one may lack what the last one acknowledged.
 */
export function judgeStream(check: {
  before: StreamView | undefined;
  seen: StreamView;
  revision: number;
  live: number;
  stored: number;
  acknowledged: boolean;
}): string | undefined {
  if (check.before !== undefined && check.before.created !== check.seen.created)
    return 'bucket was recreated';
  if (check.seen.lastRevision < check.revision) return 'bucket went back in time';
  if (check.acknowledged && check.before !== undefined && check.before.term !== check.seen.term)
    return 'another server answers for the bucket';
  if (check.stored < check.live) return 'records were purged';
  return undefined;
}
