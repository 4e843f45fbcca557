import { metrics } from '@opentelemetry/api';
import type { KnownManager } from './rules/follow-rules.ts';

/** Holds what the gateway observes at each scrape. */
interface GatewayObservations {
  rules: readonly KnownManager[];
  busConnected: boolean;
  certificateNotAfterMs: number | undefined;
  /** Age of the snapshot, while rules from it are in force that nobody has confirmed. */
  snapshotAgeMs: number | undefined;
}

/** Describes a gauge that is observed at each scrape. */
interface Gauge<Observed, Value> {
  name: string;
  description: string;
  value: (observed: Observed) => Value;
}

/** Lists the gauges that have a value for each manager of the chain. */
const managerGauges: readonly Gauge<KnownManager, number>[] = [
  {
    name: 'latchkey.rules.complete',
    description: '1 if the rules of a manager are complete, else 0',
    value: ({ complete }) => +complete,
  },
  {
    name: 'latchkey.rules.epoch',
    description: 'Epoch of the applied rules, incremented by each new publisher',
    value: ({ epoch }) => epoch,
  },
  {
    name: 'latchkey.rules.seq',
    description: 'Sequence number of the applied rules within the epoch',
    value: ({ seq }) => seq,
  },
  {
    name: 'latchkey.rules.age.seconds',
    description: 'Seconds since the last heartbeat of the manager',
    value: ({ ageMs }) => ageMs / 1_000,
  },
];

const secondsOf = (ms: number | undefined): number | undefined => (ms === undefined ? undefined : ms / 1_000);

const gauges: readonly Gauge<GatewayObservations, number | undefined>[] = [
  {
    name: 'latchkey.bus.connected',
    description: '1 while connected to NATS, else 0',
    value: ({ busConnected }) => +busConnected,
  },
  {
    name: 'latchkey.certificate.expiry.seconds',
    description: 'Unix time at which the serving certificate expires',
    value: ({ certificateNotAfterMs }) => secondsOf(certificateNotAfterMs),
  },
  {
    name: 'latchkey.snapshot.age.seconds',
    description: 'Age of the snapshot the rules were loaded from, until a resolver confirms them',
    value: ({ snapshotAgeMs }) => secondsOf(snapshotAgeMs),
  },
];

/** Creates the gauges of what a gateway knows, observed at each scrape. */
export function createGatewayMetrics(observe: () => GatewayObservations): void {
  const meter = metrics.getMeter('latchkey');
  for (const { name, description, value } of managerGauges) {
    meter.createObservableGauge(name, { description }).addCallback((result) => {
      for (const known of observe().rules) result.observe(value(known), { manager: known.manager });
    });
  }
  for (const { name, description, value } of gauges) {
    meter.createObservableGauge(name, { description }).addCallback((result) => {
      const observed = value(observe());
      if (observed !== undefined) result.observe(observed);
    });
  }
}
