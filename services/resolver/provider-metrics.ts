import { metrics } from '@opentelemetry/api';

/** Holds what the resolver of a closed provider observes at each scrape. */
interface ProviderObservation {
  /** Time since the last complete list, ms; Infinity before the first. */
  ageMs: number;
  secrets: number;
  /** Failures in a row. */
  failures: number;
  /** What the last complete list lacks. */
  leftOut: number;
}

/**
 * Creates the instruments of a resolver that lists a provider.
 * @returns a function that counts one listing
 */
export function createProviderMetrics(
  manager: string,
  observe: () => ProviderObservation,
): (outcome: 'complete' | 'failed') => void {
  const meter = metrics.getMeter('latchkey');
  const gauge = (name: string, description: string, value: (seen: ProviderObservation) => number): void => {
    meter
      .createObservableGauge(name, { description })
      .addCallback((result) => result.observe(value(observe()), { manager }));
  };
  gauge(
    'latchkey.provider.list.age.seconds',
    'Seconds since the last complete list of a provider',
    ({ ageMs }) => ageMs / 1_000,
  );
  gauge(
    'latchkey.provider.secrets',
    'Secrets in the last complete list of a provider',
    ({ secrets }) => secrets,
  );
  gauge(
    'latchkey.provider.failures',
    'Consecutive failures to list a provider, 0 after a complete list',
    ({ failures }) => failures,
  );
  gauge(
    'latchkey.provider.left.out',
    'Folders and secrets that the last complete list of a provider lacks, or has as they were before: they cannot be listed',
    ({ leftOut }) => leftOut,
  );
  const listings = meter.createCounter('latchkey.provider.listings', {
    description: 'Attempts to list the secrets of a provider, by outcome',
  });
  return (outcome) => listings.add(1, { manager, outcome });
}
