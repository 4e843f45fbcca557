import { X509Certificate } from 'node:crypto';
import { readBundle } from '#shared/certificates/ca-bundle.ts';
import { leafProblem } from '#shared/certificates/certificate-checks.ts';
import { servingNames } from '#shared/certificates/serving-names.ts';
import type { LeafState } from '#shared/contracts/rotation-state.ts';
import { readPairSecret, type StoredPair } from '#shared/installation/pair-secret.ts';
import { trustedBundle } from '#shared/installation/webhook-configuration.ts';
import { readLeafState } from '../rotation/rotation-standing.ts';
import { brokenSecret } from './authority-finding.ts';
import { describeLife, lifeFacts, lifeOf, overdue } from './certificate-life.ts';
import { type Finding, type Problem, unseen } from './finding.ts';
import type { InstallationFacts } from './installation-facts.ts';

const about = 'leaf';

/** Somebody else's policy is not known; by then it is late by any. */
const providedRenewAt = 0.9;

/** The serving certificate: whether it can be served, the API server trusts it, and the gateways have it. */
export function findLeaf(facts: InstallationFacts): Finding {
  const { serving, found, nowMs } = facts;
  const { tls } = found.config;
  if ('unseen' in serving) return unseen(about, serving.unseen);
  if (serving.value === undefined) {
    const problem = {
      message: `there is no Secret ${tls.servingSecretName}: gateways cannot start`,
      advice: 'see why cert-manager does not make it; `latchkey init-certs` makes one too',
    };
    return { about, summary: 'missing', problems: [problem], facts: { exists: false } };
  }
  const stored = readPairSecret(serving.value);
  const isOurs = tls.issuer === 'latchkey';
  const life = lifeOf(stored.pair.certificate, isOurs ? tls.renewAt : providedRenewAt);
  const wrong = pairProblem(stored, facts);
  const isTrusted = trustOf(stored, facts);
  const state = readLeafState(serving.value);
  const trust = { true: 'trusted by the API server', false: 'NOT trusted by the API server', undefined: '' };
  return {
    about,
    summary: [
      life === undefined ? 'unusable' : describeLife(life, nowMs),
      trust[`${isTrusted}`],
      describeServed(state),
    ]
      .filter(Boolean)
      .join('; '),
    problems: [
      ...(wrong === undefined ? [] : [brokenSecret(tls.servingSecretName, wrong)]),
      ...(isTrusted === false ? [notTrusted] : []),
      ...(life === undefined || wrong !== undefined
        ? []
        : overdue(life, nowMs, isOurs ? 'cert-manager' : `whoever keeps Secret ${tls.servingSecretName}`)),
      ...unserved(state, nowMs),
    ],
    facts: {
      exists: true,
      ...(life === undefined ? {} : lifeFacts(life)),
      names: namesIn(stored),
      trusted: isTrusted ?? null,
      served: state?.served ?? null,
      waitingFor: state?.waitingFor ?? [],
    },
  };
}

/** Whether the API server trusts the issuer is judged apart; here it need only be known. */
function pairProblem(stored: StoredPair, facts: InstallationFacts): string | undefined {
  const { found, namespace, nowMs } = facts;
  const [, ...intermediates] = readBundle(stored.pair.certificate);
  const issuers = [...readBundle(stored.bundle), ...intermediates, ...(trustedBy(facts) ?? [])];
  return leafProblem(stored.pair, nowMs, issuers, servingNames(found.config.webhook, namespace));
}

/** Whether the API server's bundle holds the issuer; undefined when one of the two cannot be read. */
function trustOf({ pair }: StoredPair, facts: InstallationFacts): boolean | undefined {
  const trusted = trustedBy(facts);
  const chain = readBundle(pair.certificate);
  if (trusted === undefined || chain.length === 0) return undefined;
  return chain.some((each) =>
    trusted.some((issuer) => each.checkIssued(issuer) && each.verify(issuer.publicKey)),
  );
}

/** The authorities by which the API server judges the gateways. */
function trustedBy({ webhook, found, namespace }: InstallationFacts): X509Certificate[] | undefined {
  if ('unseen' in webhook) return undefined;
  const bundle = trustedBundle(webhook.value, found.config.webhook, namespace);
  return bundle === undefined ? undefined : readBundle(bundle);
}

const notTrusted: Problem = {
  message:
    'the caBundle of the webhook configuration does not hold its CA: every labelled pod is refused (x509)',
  advice:
    'see why cert-manager does not repair the configuration: paused, its rights, or another writer of caBundle',
};

function describeServed(state: LeafState | undefined): string {
  if (state === undefined) return '';
  return state.served ? 'served by every gateway' : `not served yet by ${state.waitingFor.join(', ')}`;
}

/** A kubelet brings a changed Secret within two minutes. */
const loadingMs = 600_000;

function unserved(state: LeafState | undefined, nowMs: number): Problem[] {
  if (state === undefined || state.served || nowMs - Date.parse(state.issuedAt) < loadingMs) return [];
  return [
    {
      message: `it is not served by ${state.waitingFor.join(', ')}`,
      advice: 'their log says why (`serving certificate not usable`), or why they are not heard on the bus',
    },
  ];
}

function namesIn({ pair }: StoredPair): string[] {
  try {
    return new X509Certificate(pair.certificate).subjectAltName?.split(', ') ?? [];
  } catch {
    return [];
  }
}
