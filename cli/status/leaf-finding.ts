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
  const life = lifeOf(stored.pair.certificate, tls.renewAt);
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
      ...(life === undefined || wrong !== undefined ? [] : overdue(life, nowMs)),
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

/** The authority is judged by {@link trustOf}; here by what stands in the Secret itself. */
function pairProblem(
  { pair, bundle }: StoredPair,
  { found, namespace, nowMs }: InstallationFacts,
): string | undefined {
  const issuers = readBundle(bundle);
  return leafProblem(pair, nowMs, issuers, servingNames(found.config.webhook, namespace));
}

/** Whether the API server's bundle holds the issuer; undefined when one of the two cannot be read. */
function trustOf(
  { pair }: StoredPair,
  { webhook, found, namespace }: InstallationFacts,
): boolean | undefined {
  if ('unseen' in webhook) return undefined;
  const bundle = trustedBundle(webhook.value, found.config.webhook, namespace);
  const [leaf] = readBundle(pair.certificate);
  if (bundle === undefined || leaf === undefined) return undefined;
  return readBundle(bundle).some((issuer) => leaf.checkIssued(issuer) && leaf.verify(issuer.publicKey));
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
