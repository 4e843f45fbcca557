import { X509Certificate } from 'node:crypto';
import { readBundle } from '#shared/certificates/ca-bundle.ts';
import { certificateIssuers } from '#shared/certificates/certificate-issuers.ts';
import { leafCertificateProblem } from '#shared/certificates/certificate-problem.ts';
import { serverName, servingNames } from '#shared/certificates/serving-names.ts';
import type { LeafState } from '#shared/contracts/kubernetes/rotation-state.ts';
import { readLeafRotationState } from '#shared/installation/read-rotation-state.ts';
import { nonEmptySecret, readTlsSecret, type TlsSecretContent } from '#shared/installation/tls-secret.ts';
import { trustedBundle } from '#shared/installation/webhook-configuration.ts';
import { certificateLife, describeLife, lifeFacts, overdue } from './certificate-life.ts';
import { brokenSecret, missingSecret } from './check-ca.ts';
import { type Finding, type Problem, skewMs, unseen } from './finding.ts';
import type { InstallationFacts } from './installation-facts.ts';

const about = 'leaf';

/** Judges a provided certificate late after this fraction of its life; the policy of its owner is unknown. */
const providedRenewAt = 0.9;

/** Checks the serving certificate: whether it is valid, trusted by the API server, and served by the gateways. */
export function checkLeaf(facts: InstallationFacts): Finding {
  const { serving, found, nowMs } = facts;
  const { issuer, servingSecretName: name, renewAt } = found.config.tls;
  const isOurs = issuer === 'latchkey';
  const keeper = isOurs ? 'cert-manager' : `the owner of Secret ${name}`;
  if ('unseen' in serving) return unseen(about, serving.unseen);
  const secret = nonEmptySecret(serving.value);
  if (secret === undefined) {
    const problems = [missingSecret(name, serving.value, keeper)];
    return { about, summary: 'missing', problems, facts: { exists: false } };
  }
  const stored = readTlsSecret(secret);
  const life = certificateLife(stored.pair.certificate, isOurs ? renewAt : providedRenewAt);
  const wrong = pairProblem(stored, facts);
  const isTrusted = trustOf(stored, facts);
  const report = readLeafRotationState(secret);
  // A report about another leaf predates a change of the Secret by another writer.
  const state = report?.fingerprint === life?.fingerprint ? report : undefined;
  const lifeWords = life === undefined ? 'unusable' : describeLife(life, nowMs);
  return {
    about,
    summary: [lifeWords, ...trustWords(isTrusted), ...servedWords(state)].join('; '),
    problems: [
      ...(wrong === undefined ? [] : [brokenSecret(name, wrong, keeper)]),
      ...(isTrusted === false ? [notTrusted] : []),
      ...(life === undefined || wrong !== undefined ? [] : overdue(life, nowMs, keeper)),
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

/** Returns why the key pair cannot be served. Whether the API server trusts its issuer is judged apart. */
function pairProblem(stored: TlsSecretContent, facts: InstallationFacts): string | undefined {
  const { found, namespace, nowMs } = facts;
  const { tls, webhook } = found.config;
  const beside = readBundle(stored.bundle);
  const known = tls.issuer === 'latchkey' ? [...beside, ...(trustedBy(facts) ?? [])] : beside;
  if (known.length === 0) return 'its ca.crt contains no certificate';
  const names =
    tls.issuer === 'latchkey' ? servingNames(webhook, namespace) : [serverName(webhook, namespace)];
  return leafCertificateProblem(
    stored.pair,
    nowMs,
    certificateIssuers(stored.pair.certificate, known),
    names,
  );
}

/** Tells whether the API server's bundle holds the issuer; undefined when one of the two cannot be read. */
function trustOf({ pair }: TlsSecretContent, facts: InstallationFacts): boolean | undefined {
  const trusted = trustedBy(facts);
  const [leaf] = readBundle(pair.certificate);
  if (trusted === undefined || leaf === undefined) return undefined;
  const issuers = certificateIssuers(pair.certificate, trusted);
  return issuers.some((issuer) => leaf.checkIssued(issuer) && leaf.verify(issuer.publicKey));
}

/** Returns the CAs with which the API server verifies the gateways. */
function trustedBy({ webhook, found, namespace }: InstallationFacts): X509Certificate[] | undefined {
  if ('unseen' in webhook) return undefined;
  const bundle = trustedBundle(webhook.value, found.config.webhook, namespace);
  return bundle === undefined ? undefined : readBundle(bundle);
}

const notTrusted: Problem = {
  message:
    'the caBundle of the webhook configuration does not contain its CA: every labelled pod is rejected (x509)',
  advice:
    'check why cert-manager does not repair the configuration: paused, missing rights, or another writer of caBundle',
};

const trustWords = (isTrusted: boolean | undefined): string[] =>
  isTrusted === undefined ? [] : [`${isTrusted ? 'trusted' : 'NOT trusted'} by the API server`];

function servedWords(state: LeafState | undefined): string[] {
  if (state === undefined) return [];
  return [state.served ? 'served by every gateway' : `not served yet by ${state.waitingFor.join(', ')}`];
}

/** Allows gateways this time to load a leaf; a kubelet updates a mounted Secret within two minutes. */
const loadingMs = 600_000;

function unserved(state: LeafState | undefined, nowMs: number): Problem[] {
  if (state === undefined || state.served) return [];
  const ageMs = nowMs - Date.parse(state.issuedAt);
  // A time in the future would excuse the gateways until then.
  if (ageMs >= -skewMs && ageMs < loadingMs) return [];
  return [
    {
      message: `it is not served by ${state.waitingFor.join(', ')}`,
      advice: 'their log has the reason (`serving certificate not usable`), or why they send no heartbeats',
    },
  ];
}

function namesIn({ pair }: TlsSecretContent): string[] {
  try {
    return new X509Certificate(pair.certificate).subjectAltName?.split(', ') ?? [];
  } catch {
    return [];
  }
}
