import { type Attributes, metrics, type ObservableCounter } from '@opentelemetry/api';
import type { HandshakeRefusal } from './http/bound-handshakes.ts';
import type { ShedReason } from './http/request-plan.ts';
import type { EvictedConnection } from './http/webhook-server.ts';

/** Holds the instruments of whoever decides admissions; names become `latchkey_..._total` and so on in Prometheus. */
export interface AdmissionMetrics {
  admission(attributes: { outcome: string; code: string }, durationMs: number): void;
  /** Counts requests for secrets inside an admission, by the manager that answered. */
  secrets(attributes: { manager: string; verdict: string }, count: number): void;
  ruleFault(manager: string): void;
  /** Counts one request answered with 503 and not decided. */
  shed(reason: ShedReason): void;
  /** Counts one connection closed so that others can be served. */
  evicted(connection: EvictedConnection): void;
  /** Counts one connection closed because its handshake cost too much. */
  handshakeRefused(reason: HandshakeRefusal): void;
}

const secondsBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5];

/** @param remembered how many plans came from memory so far, observed at each scrape */
export function createAdmissionMetrics(remembered: () => number): AdmissionMetrics {
  const meter = metrics.getMeter('latchkey');
  const admissions = meter.createObservableCounter('latchkey.admissions', {
    description: 'Admission reviews answered, by outcome and error code',
  });
  const secrets = meter.createObservableCounter('latchkey.secrets', {
    description: 'Secrets requested, by the manager that answered and its verdict',
  });
  const [countAdmission, countSecrets] = [createTally(admissions), createTally(secrets)];
  const plans = meter.createObservableCounter('latchkey.plans.remembered', {
    description: 'Plans of requests taken from memory, as the same was asked before, instead of made anew',
  });
  plans.addCallback((result) => result.observe(remembered()));
  const faults = meter.createCounter('latchkey.rule.faults', {
    description: 'Rules rejected as invalid; the previous ones stay in effect',
  });
  const shed = meter.createCounter('latchkey.requests.shed', {
    description: 'Requests answered with 503 before parsing, by reason',
  });
  const evicted = meter.createCounter('latchkey.connections.evicted', {
    description: 'Connections closed so that others can be served, by what they were doing',
  });
  const handshakesRefused = meter.createCounter('latchkey.handshakes.refused', {
    description: 'Connections closed because their TLS handshake cost too much, by reason',
  });
  const duration = meter.createHistogram('latchkey.admission.duration.seconds', {
    unit: 's',
    description: 'Time from the complete body to the response, including queueing',
    advice: { explicitBucketBoundaries: secondsBuckets },
  });
  return {
    admission: ({ outcome, code }, durationMs) => {
      countAdmission(`${outcome} ${code}`, 1, () => ({ outcome, code }));
      duration.record(durationMs / 1_000, { outcome });
    },
    secrets: ({ manager, verdict }, count) =>
      countSecrets(`${manager} ${verdict}`, count, () => ({ manager, verdict })),
    shed: (reason) => shed.add(1, { reason }),
    evicted: (connection) => evicted.add(1, { connection }),
    handshakeRefused: (reason) => handshakesRefused.add(1, { reason }),
    ruleFault: (manager) => faults.add(1, { manager }),
  };
}

/** Adds to the count of a key; its attributes are asked for once. */
type Tally = (key: string, count: number, attributesOf: () => Attributes) => void;

/** Counts for a counter that is read at each scrape; a plain one writes its attributes as JSON at every addition. */
function createTally(counter: ObservableCounter): Tally {
  const counts = new Map<string, { attributes: Attributes; count: number }>();
  counter.addCallback((result) => {
    for (const { attributes, count } of counts.values()) result.observe(count, attributes);
  });
  return (key, count, attributesOf) => {
    const known = counts.get(key);
    if (known === undefined) counts.set(key, { attributes: attributesOf(), count });
    else known.count += count;
  };
}
