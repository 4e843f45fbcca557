import type { Logger } from 'pino';
import type { Publisher } from '#shared/bus/publish/publisher.ts';
import { formatKey } from '#shared/contracts/bus/bucket.ts';
import type { LatchkeyConfig } from '#shared/contracts/config/latchkey-config.ts';
import { inventoryEntrySchema } from '#shared/contracts/inventory/inventory-entry.ts';
import { checkShape } from '#shared/contracts/shapes/check-shape.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import { followKeyRing, type MountedKeyRing } from '#shared/runtime/mounted-key-ring.ts';
import { createInventoryFeed, type InventoryFeed } from '../inventory/inventory-feed.ts';
import type { Source } from '../inventory/source.ts';
import type { GlobalSecret } from './global-secrets.ts';
import type { SealedFact } from './sealed-fact.ts';
import { planSealing } from './sealing-plan.ts';
import { watchGlobals } from './watch-globals.ts';

interface InlineDeliveryOptions {
  publisher: Publisher;
  config: LatchkeyConfig;
  environment: Record<string, string | undefined>;
  clock: Clock;
  log: Logger;
}

/**
 * Publishes the source `global` without copies: each value is sealed in its inventory entry. Needs nothing of Kubernetes.
 * Whenever the globals or the key ring change, every entry is checked again. Waits for the claim of the prefix, because
 * what is stored there under a key of the ring need not be sealed again.
 */
export const createInlineDelivery = (options: InlineDeliveryOptions): Source => new InlineDelivery(options);

class InlineDelivery implements Source {
  readonly #publisher: Publisher;
  readonly #folder: string;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #feed: InventoryFeed;
  readonly #ring: MountedKeyRing;
  readonly #stopGlobals: () => void;
  readonly #facts = new Map<string, SealedFact>();
  #globals: readonly GlobalSecret[] | undefined;
  #epoch: number | undefined;
  #unsealedSinceMs: number | undefined;

  constructor(options: InlineDeliveryOptions) {
    const { publisher, config, clock, log } = options;
    this.#publisher = publisher;
    this.#folder = config.global.keyRingDir;
    this.#clock = clock;
    this.#log = log;
    this.#feed = createInventoryFeed('global', publisher);
    this.#ring = followKeyRing({ folder: this.#folder, clock, log, onChange: () => this.#update() });
    void this.#ring.start();
    void publisher.claimed().then((epoch) => {
      this.#epoch = epoch;
      this.#update();
    });
    this.#stopGlobals = watchGlobals({
      ...options,
      onChange: (globals) => {
        this.#globals = globals;
        this.#update();
      },
    });
  }

  interruptedMs(): number {
    return this.#unsealedSinceMs === undefined ? 0 : this.#clock.monotonicMs() - this.#unsealedSinceMs;
  }

  async stop(): Promise<void> {
    this.#stopGlobals();
    this.#ring.stop();
  }

  #update(): void {
    if (this.#globals === undefined || this.#epoch === undefined) return;
    const ring = this.#ring.current();
    const { changes, unsealed } = planSealing(
      this.#globals,
      { ring, epoch: this.#epoch },
      {
        published: this.#facts.keys(),
        factOf: (name) => this.#facts.get(name) ?? storedFact(this.#publisher, name),
      },
    );
    for (const { name, fact, problem } of changes) {
      if (problem !== undefined) this.#log.error({ global: name }, problem);
      this.#publish(name, fact);
    }
    if (unsealed > 0) this.#noteUnsealed(unsealed);
    else this.#noteSealed(ring.sealingKid);
  }

  #noteUnsealed(globals: number): void {
    this.#unsealedSinceMs ??= this.#clock.monotonicMs();
    this.#log.error(
      { folder: this.#folder, globals },
      'no key to seal with: mount a key ring that names its current key',
    );
  }

  #noteSealed(kid: string | undefined): void {
    this.#unsealedSinceMs = undefined;
    this.#feed.complete();
    this.#log.info({ kid, globals: this.#facts.size }, 'every value is sealed under the current key');
  }

  #publish(secret: string, fact: SealedFact | undefined): void {
    if (fact === undefined) this.#facts.delete(secret);
    else this.#facts.set(secret, fact);
    this.#feed.entry(
      undefined,
      secret,
      fact && {
        schema: 1,
        source: 'global',
        secret,
        keys: [],
        version: fact.version,
        sealed: fact.sealed,
      },
    );
  }
}

/** Reads what an earlier discovery has left in the bucket. */
function storedFact(publisher: Publisher, secret: string): SealedFact | undefined {
  const key = formatKey({ owner: 'global', kind: 'entry', namespace: undefined, secret });
  const parsed = checkShape(inventoryEntrySchema, publisher.stored(key));
  const { version, sealed } = parsed.data ?? {};
  return version === undefined || sealed === undefined ? undefined : { version, sealed };
}
