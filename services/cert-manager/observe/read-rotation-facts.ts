import type { X509Certificate } from 'node:crypto';
import { certificateId, readBundle } from '#shared/certificates/ca-bundle.ts';
import { servingNames } from '#shared/certificates/serving-names.ts';
import type { LatchkeyConfig } from '#shared/contracts/config/latchkey-config.ts';
import { unknownStateProblem } from '#shared/installation/read-rotation-state.ts';
import { nonEmptySecret, readTlsSecret } from '#shared/installation/tls-secret.ts';
import { unwritableReason } from '#shared/installation/write-secret.ts';
import type { Secret } from '#shared/kubernetes/requests/kubernetes-object.ts';
import type { RotationFacts } from '../decide/rotation-facts.ts';
import { joinEndpoints, reportersAsEndpoints } from './join-endpoints.ts';
import type { ObservedState } from './observe.ts';
import { readCaFacts } from './read-ca-facts.ts';
import { type LeafContext, readLeafFact, readServingFacts } from './read-serving-facts.ts';
import { readWebhookFacts, trustedCas, unseenWebhookFacts } from './read-webhook-facts.ts';
import type { ServedCertificates } from './served-certificates.ts';
import type { WebhookRepairs } from './webhook-repairs.ts';

/** Holds the last known good Secrets seen by this process. */
export interface LastKnownGood {
  ca: Secret | undefined;
  serving: Secret | undefined;
}

export interface FactsContext {
  config: LatchkeyConfig;
  namespace: string;
  served: ServedCertificates;
  repairs: WebhookRepairs;
  nowMs: number;
}

/** Lists every CA certificate that is observed or remembered, each as often as it is found. */
export function knownCas(
  observed: ObservedState,
  lastKnownGood: LastKnownGood,
  context: FactsContext,
): X509Certificate[] {
  const secrets = [nonEmptySecret(observed.ca), lastKnownGood.ca].filter((secret) => secret !== undefined);
  return [
    ...secrets.flatMap((secret) => readBundle(readTlsSecret(secret).bundle)),
    ...secrets.flatMap((secret) => readBundle(readTlsSecret(secret).pair.certificate)),
    ...readBundle(observed.serving === undefined ? '' : readTlsSecret(observed.serving).bundle),
    ...trustedCas(observed.webhook, context.config.webhook, context.namespace),
  ];
}

/** Derives the facts of the next decision from the observed objects. */
export function readRotationFacts(
  observed: ObservedState,
  lastKnownGood: LastKnownGood,
  context: FactsContext,
): RotationFacts {
  const { config, namespace, nowMs } = context;
  const { renewAt } = config.tls;
  const [caStored, servingStored] = [nonEmptySecret(observed.ca), nonEmptySecret(observed.serving)];
  const ca = caStored && readCaFacts(caStored, nowMs, renewAt);
  const known = knownCas(observed, lastKnownGood, context);
  const deferred = context.repairs.deferred(ca?.bundle ?? []);
  const leafContext: LeafContext = {
    nowMs,
    renewAt,
    names: servingNames(config.webhook, namespace),
    known,
    acceptable: ca === undefined ? known : known.filter((each) => ca.bundle.includes(certificateId(each))),
  };
  return {
    ca,
    serving: servingStored && readServingFacts(servingStored, leafContext),
    webhook:
      observed.unseen.webhook === undefined
        ? readWebhookFacts(observed.webhook, config.webhook, namespace, nowMs, deferred)
        : unseenWebhookFacts(observed.unseen.webhook),
    endpoints: readEndpoints(observed, context),
    unwritable: {
      ca: unwritableReason(config.tls.caSecretName, observed.ca) ?? unknownStateProblem(caStored),
      serving: observed.unseen.serving ?? unwritableReason(config.tls.servingSecretName, observed.serving),
    },
    lastKnownGood: {
      ca: lastKnownGood.ca && readCaFacts(lastKnownGood.ca, nowMs, renewAt),
      leaf: lastKnownGood.serving && readLeafFact(lastKnownGood.serving, leafContext),
    },
    nowMs,
  };
}

export function readEndpoints(
  { slices }: ObservedState,
  { config, served }: Pick<FactsContext, 'config' | 'served'>,
): RotationFacts['endpoints'] {
  if (typeof slices === 'string') return slices;
  const endpoints = joinEndpoints(slices, served);
  return endpoints.length === 0 && config.webhook.url !== undefined
    ? reportersAsEndpoints(served)
    : endpoints;
}
