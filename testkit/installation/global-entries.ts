import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { streamOf, subjectOf } from '#shared/contracts/bus/bucket.ts';

/** An entry of owner `global` as it is stored. */
interface StoredEntry {
  revision: number;
  /** Ids of the keys that its values are sealed under. */
  kids: string[];
}

/** The entries of global secrets in a bucket, by key. */
export async function globalEntries(nc: NatsConnection, bucket: string): Promise<Map<string, StoredEntry>> {
  const { streams } = await jetstreamManager(nc);
  const { state } = await streams.info(streamOf(bucket), {
    subjects_filter: subjectOf(bucket, 'global.entry.>'),
  });
  const entries = new Map<string, StoredEntry>();
  for (const subject of Object.keys(state.subjects ?? {})) {
    const message = await streams.getMessage(streamOf(bucket), { last_by_subj: subject });
    if (message === null || message.data.length === 0) continue;
    const text = Buffer.from(message.data).toString();
    const kids = [...text.matchAll(/"kid":"([^"]*)"/g)].map(([, kid = '']) => kid);
    entries.set(subject, { revision: message.seq, kids });
  }
  return entries;
}
