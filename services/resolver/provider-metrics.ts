import { metrics } from '@opentelemetry/api';

/** What the resolver of a closed provider observes at each scrape. */
interface ProviderObservation {
  /** Since the last complete list; Infinity before the first. */
  ageMs: number;
  secrets: number;
  circuitOpen: boolean;
}

/** Instruments of a resolver that asks a provider. @returns what counts one listing */
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
    'latchkey.provider.circuit.open',
    '1 while a provider that failed is given a rest, else 0',
    ({ circuitOpen }) => (circuitOpen ? 1 : 0),
  );
  const listings = meter.createCounter('latchkey.provider.listings', {
    description: 'Attempts to list what a provider has, by outcome',
  });
  return (outcome) => listings.add(1, { manager, outcome });
}
