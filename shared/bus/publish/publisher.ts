import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { Bus, BusLink } from '#shared/bus/link/bus.ts';
import {
  type Claim,
  findRival,
  manifestOf,
  needsWrite,
  nextClaim,
  type SetSummary,
  sameSummary,
} from '#shared/bus/records/claim.ts';
import type { SetVersion } from '#shared/bus/records/freshness.ts';
import { createMirror, type MirrorBatch } from '#shared/bus/records/mirror.ts';
import { type BusRecord, bodyOf, type DesiredRecord } from '#shared/bus/records/record.ts';
import { formatKey } from '#shared/contracts/bucket.ts';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { escapeToken } from '#shared/contracts/key-token.ts';
import { startBackgroundLoop } from '#shared/runtime/background-loop.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import type { TraceCarrier } from '#shared/runtime/trace-carrier.ts';
import { createDesiredSet, type PublishedRecord } from './desired-set.ts';
import { createPrefixStore } from './prefix-store.ts';
import { createPublisherMetrics } from './publisher-metrics.ts';

export type { PublishedRecord } from './desired-set.ts';

/** Longest time between two comparisons of what is stored with what should be. */
const reassertIntervalMs = 5_000;
/** How soon a publisher that may claim its prefix from now on does so. */
const claimIntervalMs = 250;
/**
 * While changes never stop, the pause from a manifest to the next records is as long as the records before took, at
 * least this, ms: readers need a moment in which the stored records are those that the manifest describes.
 */
const minSettleMs = 25;
/** Records on their way to the server at once. */
const publishWindow = 128;

interface PublisherOptions {
  bucket: string;
  /** Whose prefix of the bucket this process publishes. */
  owner: string;
  log: Logger;
  clock: Clock;
  /**
   * Asked again and again until it allows the claim; absent: at once.
   * @param standing epoch of the manifest that is stored
   */
  mayClaim?(standing: number | undefined): boolean;
  /** Called once when another publisher has taken the prefix over: this one has stopped and the process should end. */
  onSuperseded(error: LatchkeyError): void;
}

/**
 * Publishes one owner's set. All methods only note what is wanted; the work happens in the background, level-triggered,
 * and is repeated until the bucket holds it. A record that is too long for the bus is left out, logged and counted.
 */
export interface Publisher {
  /** The complete set by key (`formatKey`). Nothing but the claim is published before the first one. */
  replace(records: ReadonlyMap<string, PublishedRecord>): void;
  /** One record more or changed, after `replace`. */
  put(key: string, value: unknown, trace?: TraceCarrier): void;
  /** One record less, after `replace`. */
  remove(key: string, trace?: TraceCarrier): void;
  /** The epoch, once the prefix is claimed: from then on `stored` says what the publisher before has left. */
  claimed(): Promise<number>;
  /** The epoch while the prefix is held: not before the claim, nor when this one was superseded or has stopped. */
  epoch(): number | undefined;
  /** The body of a stored record, as last seen; undefined when there is none or it is no JSON. */
  stored(key: string): unknown;
  /** Version of the last manifest that says what was wanted at the time; undefined before the first. */
  published(): SetVersion | undefined;
  /** For how long something wanted has not been stored yet, ms; 0 = the bucket, as last seen, holds all of it. */
  pendingMs(): number;
  stop(): Promise<void>;
}

export function createPublisher(bus: Bus, options: PublisherOptions): Publisher {
  const { bucket, owner, clock } = options;
  const log = options.log.child({ component: 'publisher', bucket, owner });
  const manifestKey = formatKey({ owner, kind: 'manifest' });
  const recipeKey = formatKey({ owner, kind: 'recipe' });
  const publisher = randomUUID();
  const metrics = createPublisherMetrics(bucket, owner);
  const desired = createDesiredSet(owner, (err) => {
    metrics.oversizedRecord();
    log.error({ err, ...err.fields }, 'a record is too long for the bus and is left out');
  });
  const dirty = new Set<string>();
  let claim: Claim | undefined;
  let seq = 0;
  let published: SetVersion | undefined;
  let pendingSinceMs: number | undefined;
  let ended = false;
  const firstClaim = Promise.withResolvers<number>();

  const mark = (keys: Iterable<string>) => {
    for (const key of keys) if (key !== manifestKey) dirty.add(key);
    if (desired.known()) pendingSinceMs ??= clock.monotonicMs();
    loop.wake();
  };
  const mirror = createMirror(bus, {
    bucket,
    keys: `${escapeToken(owner)}.>`,
    log: options.log,
    clock,
    onBatch: ({ reset, records }: MirrorBatch) => {
      if (reset || records.length > 0) mark(records.map(({ key }) => key));
      if (reset) mark(desired.keys());
    },
  });
  const { storeRecord, storeManifest } = createPrefixStore({ bucket, manifestKey, publisher, mirror });

  async function takeClaim(link: BusLink): Promise<Claim> {
    const before = manifestOf(mirror.records.get(manifestKey));
    const { epoch, inherited } = nextClaim(mirror.records.values(), before);
    const revision = await storeManifest(link, { schema: 1, epoch, seq: 0, ...inherited });
    log.info({ epoch, revision }, 'claimed the prefix');
    mark(mirror.records.keys());
    return { epoch, publisher, revision, inherited };
  }

  async function storeKey(link: BusLink, held: Claim, key: string, wanted?: DesiredRecord): Promise<void> {
    if (needsWrite(wanted, mirror.records.get(key), held)) {
      await storeRecord(link, { key, epoch: held.epoch, seq: seq + 1, wanted });
    }
    if (desired.get(key) === wanted) desired.forgetRemoved(key);
  }

  /**
   * Stores what differs: entries in parallel, then the recipe. Returns the summary of exactly the set that is stored
   * then; what is changed meanwhile waits for the next round, or no manifest would ever match under constant change.
   */
  async function storeDirty(link: BusLink, held: Claim): Promise<SetSummary> {
    const summary = desired.summary();
    const wanted = [...dirty].map((key) => [key, desired.get(key)] as const);
    dirty.clear();
    try {
      const entries = wanted.filter(([key]) => key !== recipeKey);
      for (let start = 0; start < entries.length; start += publishWindow) {
        const window = entries.slice(start, start + publishWindow);
        await Promise.all(window.map(([key, record]) => storeKey(link, held, key, record)));
      }
      const recipe = wanted.find(([key]) => key === recipeKey);
      if (recipe !== undefined) await storeKey(link, held, ...recipe);
    } catch (err) {
      mark(wanted.map(([key]) => key));
      throw err;
    }
    return summary;
  }

  /** Brings the manifest up to date under this claim. */
  async function storeSummary(link: BusLink, held: Claim, summary: SetSummary): Promise<void> {
    const stored = manifestOf(mirror.records.get(manifestKey));
    const own = stored?.epoch === held.epoch ? stored : undefined;
    seq = Math.max(seq, own?.seq ?? 0);
    if (own !== undefined && sameSummary(own, summary)) return;
    await storeManifest(link, { schema: 1, epoch: held.epoch, seq: seq + 1, ...summary });
    seq += 1;
  }

  /** One's own manifest without a claim means that the answer to the claim was lost. */
  const mayPublish = (): boolean => {
    const standing = mirror.records.get(manifestKey);
    if (claim !== undefined || standing?.publisher === publisher) return true;
    return options.mayClaim?.(standing?.epoch) !== false;
  };

  async function reconcile(link: BusLink): Promise<void> {
    const startMs = clock.monotonicMs();
    const held = claim ?? (await takeClaim(link));
    claim = held;
    firstClaim.resolve(held.epoch);
    const rival = findRival(mirror.records.values(), held);
    if (rival !== undefined) return superseded(rival, held);
    if (!mirror.records.has(manifestKey)) held.revision = 0;
    const isKnown = desired.known();
    await storeSummary(link, held, isKnown ? await storeDirty(link, held) : held.inherited);
    if (!isKnown) return;
    published = { owner, epoch: held.epoch, seq };
    // What was wanted when this round began is stored now, however long a standby had it ready.
    pendingSinceMs = dirty.size === 0 ? undefined : startMs;
    if (dirty.size > 0) await clock.sleep(Math.max(minSettleMs, clock.monotonicMs() - startMs));
  }

  function superseded({ epoch }: BusRecord, held: Claim): void {
    ended = true;
    const error = new LatchkeyError(
      'PUBLISHER_SUPERSEDED',
      `Another publisher holds ${owner} in bucket ${bucket} with epoch ${epoch}, this one has ${held.epoch}`,
      { fields: { bucket, owner, epoch: held.epoch, otherEpoch: epoch } },
    );
    log.error({ err: error }, 'superseded, publishing ends');
    options.onSuperseded(error);
  }

  const loop = startBackgroundLoop({
    name: 'publisher round',
    log,
    clock,
    async run() {
      const link = bus.link();
      const isReady = !ended && bus.connected() && mirror.synced();
      if (link !== undefined && isReady && mayPublish()) await reconcile(link);
      return claim === undefined ? claimIntervalMs : reassertIntervalMs;
    },
  });

  const forgetReconnects = bus.onReconnect(loop.retryNow);

  return {
    replace: (records) => mark([...desired.replace(records), ...mirror.records.keys()]),
    put(key, value, trace = {}) {
      if (desired.put(key, { value, trace })) mark([key]);
    },
    remove(key, trace = {}) {
      if (desired.remove(key, trace)) mark([key]);
    },
    claimed: () => firstClaim.promise,
    epoch: () => (ended ? undefined : claim?.epoch),
    stored: (key) => bodyOf(mirror.records.get(key)),
    published: () => published,
    pendingMs: () => (pendingSinceMs === undefined ? 0 : clock.monotonicMs() - pendingSinceMs),
    async stop() {
      forgetReconnects();
      await loop.stop();
      ended = true;
      await mirror.stop();
    },
  };
}
