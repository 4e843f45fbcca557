import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { backoffMs } from '#shared/runtime/backoff.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import type { WriteKind } from '../decide/rotation-facts.ts';
import { type RefusedWrite, type SparableWrite, sparableWrites } from '../decide/without-refused.ts';

/** Remembers what the API server refuses: it is repeated ever more rarely, and everything else goes on. */
export interface RefusedWrites {
  /** Notes a failed write; false when it is to be repeated at once, like a race that another writer won. */
  note(write: WriteKind, err: unknown): boolean;
  /** Forgets a write that succeeded or is needed no more. */
  forget(write: WriteKind): void;
  /** Forgets every write that could be repeated and is not asked for, such as one that another writer's made needless. */
  forgetDue(): void;
  /** Returns a refused write while it is left alone, and {@link find} also once it is due again. */
  left(write: SparableWrite): RefusedWrite | undefined;
  find(write: SparableWrite): RefusedWrite | undefined;
  /** Returns how long until one may be repeated, ms; undefined when none is left. */
  restMs(): number | undefined;
}

const bounds = { firstMs: 5_000, longestMs: 60_000 };
/** Counts as lasting from this refusal in a row on; before, a lost race is no refusal. */
const lastingFrom = 3;
const races = ['KUBERNETES_CONFLICT', 'KUBERNETES_EXISTS', 'KUBERNETES_NOT_FOUND'];

export function createRefusedWrites(clock: Pick<Clock, 'monotonicMs'>): RefusedWrites {
  const refused = new Map<WriteKind, RefusedWrite & { nextAtMs: number }>();
  const waitMs = ({ nextAtMs }: { nextAtMs: number }): number => nextAtMs - clock.monotonicMs();
  return {
    note: (write, err) => {
      if (!sparableWrites.some((each) => each === write) || !(err instanceof LatchkeyError)) return false;
      const isRace = races.includes(err.code);
      if (!isRace && err.code !== 'KUBERNETES_REFUSED') return false;
      const count = (refused.get(write)?.count ?? 0) + 1;
      const isLasting = count >= lastingFrom || err.fields.statusCode === 403;
      const isRepeated = isRace && !isLasting;
      const pauseMs = isRepeated ? 0 : backoffMs(bounds, Math.max(0, count - lastingFrom));
      const nextAtMs = clock.monotonicMs() + pauseMs;
      refused.set(write, { reason: err.message, count, isLasting, nextAtMs });
      return !isRepeated;
    },
    forget: (write) => {
      refused.delete(write);
    },
    forgetDue: () => {
      for (const [write, each] of refused) if (waitMs(each) <= 0) refused.delete(write);
    },
    left: (write) => {
      const found = refused.get(write);
      return found !== undefined && waitMs(found) > 0 ? found : undefined;
    },
    find: (write) => refused.get(write),
    restMs: () => {
      const waits = [...refused.values()].map(waitMs).filter((wait) => wait > 0);
      return waits.length === 0 ? undefined : Math.min(...waits);
    },
  };
}
