import { readSamples, sumOf } from '#testkit/installation/read-samples.ts';
import type { ServicePod } from '#testkit/kubelet/service-pod.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';

/** A scrape may be one of up to so long ago, ms: the health port shares its collections. */
const sharedScrapeMs = 1_000;

/** What a pod says of itself at `/metrics`. */
export const metricsOf = async ({ ports }: ServicePod) =>
  readSamples(await (await fetch(`http://127.0.0.1:${ports.health}/metrics`)).text());

/** How old the rules of the gateways are, by their own metrics. */
export interface RuleAges {
  /** Waits until nothing has been heard of any manager for so long. */
  untilOlderThan(ms: number): Promise<void>;
  /** Waits until every gateway has heard every resolver, which has heard discovery, since then (`performance.now`). */
  untilFreshSince(sinceMs: number): Promise<void>;
}

export function ruleAges(options: {
  gateways: () => readonly ServicePod[];
  chain: readonly string[];
  timeoutMs: number;
}): RuleAges {
  const { gateways, chain, timeoutMs } = options;
  /** Age of every gateway's rules of every manager, ms. */
  const ages = async (): Promise<number[]> => {
    const scrapes = await Promise.all(gateways().map(metricsOf));
    return scrapes.flatMap((samples) =>
      chain.map((manager) => sumOf(samples, 'latchkey_rules_age_seconds', { manager }) * 1_000),
    );
  };
  return {
    untilOlderThan: async (ms) => {
      await waitFor(async () => (await ages()).every((ageMs) => ageMs > ms), {
        timeoutMs,
        what: `the rules of every gateway to be older than ${ms} ms`,
      });
    },
    untilFreshSince: async (sinceMs) => {
      const fresh = async () => {
        const nowMs = performance.now();
        return (await ages()).every((ageMs) => nowMs - ageMs - sharedScrapeMs > sinceMs);
      };
      await waitFor(fresh, { timeoutMs, what: 'every gateway to have heard every resolver' });
    },
  };
}
