import { createInbox, type Msg } from '@nats-io/transport-node';
import type { BusLink } from '#shared/bus/link/bus.ts';
import { streamOf, subjectOf } from '#shared/contracts/bus/bucket.ts';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import { checkCost } from './cost.ts';
import { headersOf, type MessageHeaders } from './message-headers.ts';
import { PageMemory } from './page-memory.ts';
import { type BusRecord, ownString, parseHeaders } from './record.ts';
import { type KnownBefore, type ReadRecords, type ReadRoom, RecordIntake } from './record-intake.ts';

/** Bounds of one answer, so that a slow reader is never sent more than it can take (the server cuts it off at 64 MiB). */
const batchRecords = 1_024;
const batchBytes = 8 * 1_024 * 1_024;

/** How long an answer may make no progress, ms. Longer than a request: a busy process reads late what came in time. */
const answerTimeoutMs = 3_000;
/**
 * So many changes are fetched one by one before a batch is asked for. For a batch the server counts all that match,
 * 4 ms at 10,000 records; a single get takes 0.1 ms.
 */
const singleGets = 8;

const noBytes = new Uint8Array();

interface Page {
  records: BusRecord[];
  /** How many more stored records match. */
  pending: number;
}

/**
 * Reads the record in a message of an answer; undefined for one that is none. The server appends its headers to those that
 * were stored, so the last of a name is the server's and the first may be a forgery. Everything is copied: a view
 * would keep the message, of up to 1 MB of headers. A tombstone has no bytes, whatever somebody stored with it.
 */
function toRecord(
  bucket: string,
  { headers, data }: { headers: MessageHeaders | undefined; data: Uint8Array },
  own: PageMemory,
): BusRecord | undefined {
  const subject = headers?.last('Nats-Subject') ?? '';
  const prefix = subjectOf(bucket, '');
  if (headers === undefined || !subject.startsWith(prefix)) return undefined;
  const revision = Number(headers.last('Nats-Sequence'));
  const key = ownString(subject.slice(prefix.length));
  const stamp = parseHeaders(headers);
  const publisher = own.publisher(stamp.publisher);
  return { key, revision, ...stamp, publisher, bytes: stamp.deleted ? noBytes : own.copy(data) };
}

/** Classifies a message of an answer: a record, the end (with what is left), or a refusal. */
function readAnswer(
  bucket: string,
  message: Msg,
  own: PageMemory,
): { record?: BusRecord; pending?: number; refusal?: string } {
  const headers = headersOf(message);
  const record = toRecord(bucket, { headers, data: message.data }, own);
  if (record !== undefined) return { record };
  const status = headers?.code ?? 0;
  // 204 ends a batch, 404 says that nothing matches, 503 that nobody listens: the bucket is missing.
  if (status === 204) return { pending: Number(headers?.get('Nats-Num-Pending')) };
  if (status === 404) return { pending: 0 };
  return { refusal: status === 503 ? 'the bucket is missing' : `status ${status}` };
}

const readFailure = (bucket: string, reason: string, cause?: unknown): LatchkeyError =>
  new LatchkeyError('BUS_UNAVAILABLE', `Reading bucket ${bucket} from NATS failed: ${reason}`, {
    cause,
    fields: { bucket },
  });

/**
 * One direct get (NATS ADR-31): the stored messages of `filter` from sequence `fromRevision` on, at most `batch`, or
 * only the first. Chosen over a consumer because it leaves nothing on the server that can die, leak or be pointed at
 * another subject.
 * @throws BUS_UNAVAILABLE when the server is silent, refuses, or has no such bucket
 */
export function readPage(
  link: BusLink,
  bucket: string,
  query: { filter: string; fromRevision: number; batch?: number },
): Promise<Page> {
  const { filter, fromRevision, batch } = query;
  return new Promise((resolve, reject) => {
    const records: BusRecord[] = [];
    const own = new PageMemory(batch ?? 1);
    const finish = (outcome: () => void) => {
      clearTimeout(timer);
      subscription.unsubscribe();
      outcome();
    };
    const fail = (reason: string, cause?: unknown) =>
      finish(() => reject(readFailure(bucket, reason, cause)));
    const inbox = createInbox(link.inboxPrefix);
    const subscription = link.nc.subscribe(inbox, {
      callback: (err, message) => {
        if (err) return fail('refused', err);
        timer.refresh();
        const answer = readAnswer(bucket, message, own);
        if (answer.record !== undefined) records.push(answer.record);
        const pending = batch === undefined ? 0 : answer.pending;
        if (answer.refusal !== undefined) fail(answer.refusal);
        else if (pending !== undefined) finish(() => resolve({ records, pending }));
      },
    });
    // After subscribing, which a closed connection refuses.
    const timer = setTimeout(() => fail(`no answer for ${answerTimeoutMs} ms`), answerTimeoutMs);
    const bounds = batch === undefined ? {} : { batch, max_bytes: batchBytes };
    const body = JSON.stringify({ seq: fromRevision, next_by_subj: filter, ...bounds });
    link.nc.publish(`$JS.API.DIRECT.GET.${streamOf(bucket)}`, body, { reply: inbox });
  });
}

/**
 * Reads every stored record of a key filter written after `afterRevision`, as {@link RecordIntake} takes them in. A bucket
 * keeps one record a key, so this is exactly what changed since.
 * @throws SET_TOO_LARGE as soon as they cost more than `mostBytes`, unless they are stripped then
 */
export async function readSince(
  link: BusLink,
  { bucket, keys, ...room }: ReadRoom & { bucket: string; keys: string },
  known: KnownBefore,
): Promise<ReadRecords> {
  const filter = subjectOf(bucket, keys);
  const intake = new RecordIntake(room, known);
  let last = known.afterRevision;
  for (let gets = 0; known.afterRevision > 0 && gets < singleGets; gets += 1) {
    const [record] = (await readPage(link, bucket, { filter, fromRevision: last + 1 })).records;
    if (record === undefined) return intake.result();
    intake.take(record);
    last = record.revision;
  }
  for (;;) {
    const page = await readPage(link, bucket, { filter, fromRevision: last + 1, batch: batchRecords });
    for (const record of page.records) intake.take(record);
    if (room.beyond === 'refuse') checkCost(bucket, keys, intake.costBytes, room.mostBytes);
    last = page.records.at(-1)?.revision ?? last;
    if (page.pending === 0 || page.records.length === 0) return intake.result();
  }
}

/** A replica may lag behind the announcement: so often, and so far apart, it is asked again at once. */
const lagRetries = 5;
const lagRetryMs = 20;

/**
 * Reads what was written after a known revision, and asks again, a few times, while what was announced is not among it.
 * Records that have no room beside those that are known are stripped, where they may be.
 * @throws SET_TOO_LARGE as {@link readSince} does
 */
export async function readAnnounced(
  link: BusLink,
  { bucket, keys, mostBytes, beyond, clock }: ReadRoom & { bucket: string; keys: string; clock: Clock },
  known: KnownBefore & { announced: number; costBytes: number },
): Promise<ReadRecords> {
  const room = beyond === 'strip' ? mostBytes - known.costBytes : mostBytes;
  const query = { bucket, keys, mostBytes: room, beyond };
  let fresh = await readSince(link, query, known);
  for (let retry = 0; retry < lagRetries && fresh.revision < known.announced; retry += 1) {
    await clock.sleep(lagRetryMs);
    fresh = await readSince(link, query, known);
  }
  return fresh;
}

/** Counts the records (tombstones too) that the server stores for a key filter. */
export async function countStoredRecords(link: BusLink, bucket: string, keyFilter: string): Promise<number> {
  const page = await readPage(link, bucket, {
    filter: subjectOf(bucket, keyFilter),
    fromRevision: 1,
    batch: 1,
  });
  return page.records.length + page.pending;
}
