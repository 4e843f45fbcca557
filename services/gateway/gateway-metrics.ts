import { type Attributes, metrics } from '@opentelemetry/api';
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
}

const secondsBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5];

export function createGatewayMetrics(observe: () => GatewayObservations): GatewayMetrics {
  const meter = metrics.getMeter('latchkey');
  const admissions = meter.createCounter('latchkey.admissions', {
    description: 'Admission reviews answered, by outcome and error code',
  });
  const secrets = meter.createCounter('latchkey.secrets', {
    description: 'Secrets asked for, by the manager that answered and its verdict',
  });
  const faults = meter.createCounter('latchkey.rule.faults', {
    description: 'Rules refused as invalid; the former ones stay in force',
  });
  const shed = meter.createCounter('latchkey.requests.shed', {
    description: 'Requests answered with 503 before they were parsed, by reason',
  });
  const duration = meter.createHistogram('latchkey.admission.duration.seconds', {
    unit: 's',
    description: 'Time from the body read to the answer, waiting for its turn included',
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
    ruleFault: (manager) => faults.add(1, { manager }),
  };
}

function observeGauges(observe: () => GatewayObservations): void {
  const meter = metrics.getMeter('latchkey');
  const perManager = (
    name: string,
    description: string,
    value: (rule: GatewayObservations['rules'][number]) => number,
  ): void => {
    meter.createObservableGauge(name, { description }).addCallback((result) => {
      for (const rule of observe().rules)
        result.observe(value(rule), { manager: rule.manager } satisfies Attributes);
    });
  };
  perManager(
    'latchkey.rules.complete',
    '1 once the rules of a manager are complete, else 0',
    (rule) => +rule.complete,
  );
  perManager(
    'latchkey.rules.epoch',
    'Epoch of the rules applied, one more for each new publisher',
    (rule) => rule.epoch,
  );
  perManager(
    'latchkey.rules.seq',
    'Sequence number of the rules applied, within the epoch',
    (rule) => rule.seq,
  );
  perManager(
    'latchkey.rules.age.seconds',
    'Seconds since the manager was last heard',
    (rule) => rule.ageMs / 1_000,
  );
  meter
    .createObservableGauge('latchkey.bus.connected', { description: '1 while connected to NATS, else 0' })
    .addCallback((result) => result.observe(+observe().busConnected));
  meter
    .createObservableGauge('latchkey.certificate.expiry.seconds', {
      description: 'Unix time at which the serving certificate expires',
    })
    .addCallback((result) => {
      const { certificateNotAfterMs } = observe();
      if (certificateNotAfterMs !== undefined) result.observe(certificateNotAfterMs / 1_000);
    });
  meter
    .createObservableGauge('latchkey.snapshot.age.seconds', {
      description:
        'Seconds since the snapshot was taken from which rules in force are, while nobody confirms them',
    })
    .addCallback((result) => {
      const { snapshotAgeMs } = observe();
      if (snapshotAgeMs !== undefined) result.observe(snapshotAgeMs / 1_000);
    });
}
