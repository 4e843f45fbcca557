import type { Logger } from 'pino';
import type { Publisher } from '#shared/bus/publish/publisher.ts';
import { formatKey } from '#shared/contracts/bus/bucket.ts';
import type { LatchkeyConfig } from '#shared/contracts/config/latchkey-config.ts';
import { inventoryEntrySchema } from '#shared/contracts/inventory/inventory-entry.ts';
import { checkShape } from '#shared/contracts/shapes/check-shape.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import { followKeyRing } from '#shared/runtime/mounted-key-ring.ts';
import { createInventoryFeed } from '../inventory/inventory-feed.ts';
import type { Source } from '../inventory/source.ts';
import type { GlobalSecret } from './global-secrets.ts';
import { inlineText, type SealedFact, sealFact } from './sealed-fact.ts';
import { watchGlobals } from './watch-globals.ts';

/**
 * Publishes the source `global` without copies: each value is sealed in its inventory entry. Needs nothing of Kubernetes.
 * Whenever the globals or the key ring change, every entry is checked again. Waits for the claim of the prefix, because
 * what is stored there under a key of the ring need not be sealed again.
 */
export function createInlineDelivery(options: {
  publisher: Publisher;
  config: LatchkeyConfig;
  environment: Record<string, string | undefined>;
  clock: Clock;
  log: Logger;
}): Source {
  const { publisher, config, clock, log } = options;
  const feed = createInventoryFeed('global', publisher);
  const facts = new Map<string, SealedFact>();
  let globals: readonly GlobalSecret[] | undefined;
  let epoch: number | undefined;
  let unsealedSinceMs: number | undefined;

  const publish = (name: string, fact: SealedFact | undefined): void => {
    if (fact === undefined) facts.delete(name);
    else facts.set(name, fact);
    feed.entry(
      undefined,
      name,
      fact && {
        schema: 1,
        source: 'global',
        secret: name,
        keys: [],
        version: fact.version,
        sealed: fact.sealed,
      },
    );
  };
  /** Seals and publishes a value; returns false when there is no key to seal with. */
  const seal = (global: GlobalSecret, claimed: number): boolean => {
    const read = inlineText(global.value);
    if ('problem' in read) {
      log.error({ global: global.name }, read.problem);
      publish(global.name, undefined);
      return true;
    }
    const before = facts.get(global.name) ?? storedFact(publisher, global.name);
    const fact = sealFact(global, read.text, { ring: ring.current(), epoch: claimed, before });
    if (fact === undefined) return false;
    publish(global.name, fact);
    return true;
  };
  const update = (): void => {
    if (globals === undefined || epoch === undefined) return;
    const claimed = epoch;
    const names = new Set(globals.map(({ name }) => name));
    for (const name of [...facts.keys()].filter((known) => !names.has(known))) publish(name, undefined);
    const unsealed = globals.filter((global) => !seal(global, claimed));
    if (unsealed.length > 0) {
      unsealedSinceMs ??= clock.monotonicMs();
      const folder = config.global.keyRingDir;
      log.error(
        { folder, globals: unsealed.length },
        'no key to seal with: mount a key ring that names its current key',
      );
      return;
    }
    unsealedSinceMs = undefined;
    feed.complete();
    log.info(
      { kid: ring.current().sealingKid, globals: facts.size },
      'every value is sealed under the current key',
    );
  };

  const ring = followKeyRing({ folder: config.global.keyRingDir, clock, log, onChange: update });
  void ring.start();
  void publisher.claimed().then((claimedEpoch) => {
    epoch = claimedEpoch;
    update();
  });
  const stopGlobals = watchGlobals({
    ...options,
    onChange: (read) => {
      globals = read;
      update();
    },
  });

  return {
    interruptedMs: () => (unsealedSinceMs === undefined ? 0 : clock.monotonicMs() - unsealedSinceMs),
    stop: async () => {
      stopGlobals();
      ring.stop();
    },
  };
}

/** Reads what an earlier discovery has left in the bucket. */
function storedFact(publisher: Publisher, secret: string): SealedFact | undefined {
  const key = formatKey({ owner: 'global', kind: 'entry', namespace: undefined, secret });
  const parsed = checkShape(inventoryEntrySchema, publisher.stored(key));
  const { version, sealed } = parsed.data ?? {};
  return version === undefined || sealed === undefined ? undefined : { version, sealed };
}
