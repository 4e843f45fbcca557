import type { X509Certificate } from 'node:crypto';
import { certificateId, readBundle } from '#shared/certificates/ca-bundle.ts';
import { certificateDates } from '#shared/certificates/certificate-dates.ts';
import { isDueForRenewal, leafCertificateProblem } from '#shared/certificates/certificate-problem.ts';
import { parseKeyPair } from '#shared/certificates/key-pair.ts';
import { readLeafRotationState, requestOf } from '#shared/installation/read-rotation-state.ts';
import { isConformant, readTlsSecret } from '#shared/installation/tls-secret.ts';
import type { Secret } from '#shared/kubernetes/requests/kubernetes-object.ts';
import type { LeafFact, ServingSecretFacts } from '../decide/rotation-facts.ts';

/** Holds what a leaf is checked against. */
export interface LeafContext {
  nowMs: number;
  renewAt: number;
  /** The names that the leaf must cover. */
  names: readonly string[];
  /** The CAs of which one must have signed the leaf. */
  acceptable: readonly X509Certificate[];
  /** The CAs that may have signed the leaf. */
  known: readonly X509Certificate[];
}

/** Reads the facts of the serving Secret at one moment. */
export function readServingFacts(secret: Secret, context: LeafContext): ServingSecretFacts {
  const { bundle } = readTlsSecret(secret);
  const cas = readBundle(bundle);
  return {
    leaf: readLeafFact(secret, context),
    bundle: cas.map(certificateId),
    state: readLeafRotationState(secret),
    request: requestOf(secret),
    isConformant: isConformant(secret) && bundle === cas.map(String).join(''),
  };
}

export function readLeafFact(secret: Secret, context: LeafContext): LeafFact {
  const { nowMs, renewAt, names, acceptable, known } = context;
  const { pair } = readTlsSecret(secret);
  const problem = leafCertificateProblem(pair, nowMs, acceptable, names);
  const certificate = parseKeyPair(pair)?.certificate;
  const dates = certificate && certificateDates(certificate);
  if (certificate === undefined || dates === undefined)
    return { id: '', issuer: undefined, problem, due: false, issuedAt: '' };
  const id = certificateId(certificate);
  const issuer = known.find((each) => certificate.checkIssued(each) && certificate.verify(each.publicKey));
  const state = readLeafRotationState(secret);
  return {
    id,
    issuer: issuer && certificateId(issuer),
    problem,
    due: isDueForRenewal(pair, nowMs, renewAt),
    issuedAt: state?.fingerprint === id ? state.issuedAt : new Date(dates.madeMs).toISOString(),
  };
}
