import type { LatchkeyConfig } from '#shared/contracts/config/latchkey-config.ts';
import type { KeyRing } from '#shared/core/rules/index/key-ring.ts';
import type { KnownRules } from '../rules/follow-rules.ts';
import type { ServingCertificate } from '../tls/serving-certificate.ts';
import type { ToWorker } from './to-worker.ts';
import { setMessages } from './worker-feed.ts';
import { knownFreshness } from './workers-sink.ts';

/** What a worker has to know before it gets connections. */
interface Fill {
  workers: number;
  snapshotTakenAt: string | undefined;
  config: () => LatchkeyConfig;
  clientCa: () => string | undefined;
  certificate: () => ServingCertificate | undefined;
  keys: () => KeyRing;
  known: Pick<KnownRules, 'read' | 'ageMs'>;
}

/**
 * Writes all that a new worker has to know, each part as it is when its turn comes. What changes meanwhile is told behind
 * it, and makes whole what was read in between: only then may the worker serve.
 */
export function* fillOfWorker(fill: Fill): Generator<ToWorker> {
  const { workers, snapshotTakenAt, config, clientCa, certificate, keys, known } = fill;
  yield {
    ...{ kind: 'begin', config: config(), workers },
    ...(snapshotTakenAt === undefined ? {} : { snapshotTakenAt }),
  };
  const pem = clientCa();
  if (pem !== undefined) yield { kind: 'client-ca', pem };
  const served = certificate();
  if (served !== undefined) yield certificateMessage(served);
  yield keysMessage(keys());
  for (const { owner } of known.read.applied()) {
    const version = known.read.applied().find((each) => each.owner === owner);
    if (version === undefined) continue;
    yield* setMessages(version, known.read.delivered(owner));
    const ageMs = known.ageMs(owner);
    if (Number.isFinite(ageMs)) yield knownFreshness(version, ageMs);
  }
}

export const certificateMessage = ({ certificate, key }: ServingCertificate): ToWorker => ({
  kind: 'certificate',
  certificate,
  key,
});

export const keysMessage = ({ keys }: KeyRing): ToWorker => ({ kind: 'keys', keys: [...keys] });
