/** What a Secret was from the answer of one change to the answer of the next; times of one monotonic clock, ms. */
interface SecretState {
  /** The change was sent: earlier nobody can have known this state. */
  fromMs: number;
  /** The next change was answered: the state was over by then. */
  untilMs: number;
  keys: ReadonlySet<string>;
}

/** Every state of one Secret, as its only writer saw it; absent = no keys. */
export interface SecretTimeline {
  keys(): ReadonlySet<string>;
  /** Makes a change and notes when it was sent and answered. */
  change(keys: readonly string[], send: () => Promise<unknown>): Promise<void>;
  /**
   * By how much an answer given between two moments lags behind: 0 when a state of that time explains it, else the time
   * since the last one that does; Infinity when none ever did.
   */
  lagMs(answer: { key: string; found: boolean; sentMs: number; answeredMs: number }): number;
}

export function createSecretTimeline(): SecretTimeline {
  const states: SecretState[] = [{ fromMs: -Infinity, untilMs: Infinity, keys: new Set() }];
  return {
    keys: () => states.at(-1)?.keys ?? new Set(),
    change: async (keys, send) => {
      const fromMs = performance.now();
      const next: SecretState = { fromMs, untilMs: Infinity, keys: new Set(keys) };
      const previous = states.at(-1);
      states.push(next);
      await send();
      if (previous !== undefined) previous.untilMs = performance.now();
    },
    lagMs: ({ key, found, sentMs, answeredMs }) => {
      const fitting = states.filter(({ fromMs, keys }) => fromMs <= answeredMs && keys.has(key) === found);
      return Math.min(Infinity, ...fitting.map(({ untilMs }) => Math.max(0, sentMs - untilMs)));
    },
  };
}
