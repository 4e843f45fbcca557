import { metrics } from '@opentelemetry/api';
import type { HandshakeRefusal } from './http/bound-handshakes.ts';
import type { ShedReason } from './http/request-plan.ts';
import type { KnownManager } from './rules/follow-rules.ts';

/** Holds what the gateway observes at each scrape. */
interface GatewayObservations {
  rules: readonly KnownManager[];
  busConnected: boolean;
  certificateNotAfterMs: number | undefined;
  /** Age of the snapshot, while rules from it are in force that nobody has confirmed. */
  snapshotAgeMs: number | undefined;
}

/** Holds the instruments of the gateway; names become `latchkey_..._total` and so on in Prometheus. */
export interface GatewayMetrics {
  admission(attributes: { outcome: string; code: string }, durationMs: number): void;
  /** Counts one request for a secret inside an admission, by the manager that answered. */
  secret(attributes: { manager: string; verdict: string }): void;
  ruleFault(manager: string): void;
  /** Counts one request answered with 503 and not decided. */
  shed(reason: ShedReason): void;
  /** Counts one connection closed for a new one. */
  evicted(connection: 'handshake' | 'idle'): void;
  /** Counts one connection closed because its handshake cost too much. */
  handshakeRefused(reason: HandshakeRefusal): void;
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

const secondsBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5];

export function createGatewayMetrics(observe: () => GatewayObservations): GatewayMetrics {
  const meter = metrics.getMeter('latchkey');
  const admissions = meter.createCounter('latchkey.admissions', {
    description: 'Admission reviews answered, by outcome and error code',
  });
  const secrets = meter.createCounter('latchkey.secrets', {
    description: 'Secrets requested, by the manager that answered and its verdict',
  });
  const faults = meter.createCounter('latchkey.rule.faults', {
    description: 'Rules rejected as invalid; the previous ones stay in effect',
  });
  const shed = meter.createCounter('latchkey.requests.shed', {
    description: 'Requests answered with 503 before parsing, by reason',
  });
  const evicted = meter.createCounter('latchkey.connections.evicted', {
    description: 'Connections closed for new ones because there were too many, by what they were doing',
  });
  const handshakesRefused = meter.createCounter('latchkey.handshakes.refused', {
    description: 'Connections closed because their TLS handshake cost too much, by reason',
  });
  const duration = meter.createHistogram('latchkey.admission.duration.seconds', {
    unit: 's',
    description: 'Time from the complete body to the response, including queueing',
    advice: { explicitBucketBoundaries: secondsBuckets },
  });
  observeGauges(observe);
  return {
    admission: (attributes, durationMs) => {
      admissions.add(1, attributes);
      duration.record(durationMs / 1_000, { outcome: attributes.outcome });
    },
    secret: (attributes) => secrets.add(1, attributes),
    shed: (reason) => shed.add(1, { reason }),
    evicted: (connection) => evicted.add(1, { connection }),
    handshakeRefused: (reason) => handshakesRefused.add(1, { reason }),
    ruleFault: (manager) => faults.add(1, { manager }),
  };
}

function observeGauges(observe: () => GatewayObservations): void {
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
