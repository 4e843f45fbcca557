import { certificateId, readBundle } from '#shared/certificates/ca-bundle.ts';
import { authorityProblem, reasonToReplace } from '#shared/certificates/certificate-checks.ts';
import { type CertificatePair, parsePair } from '#shared/certificates/key-pair.ts';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import {
  type CaState,
  caStateAnnotation,
  caStateSchema,
  rotateAnnotation,
} from '#shared/contracts/rotation-state.ts';
import { isTidy, pairSecret, readPairSecret } from '#shared/installation/tls-secret.ts';
import type { Secret } from '#shared/kubernetes/kubernetes-object.ts';
import type { AuthorityFact, CaFacts } from '../decide/rotation-facts.ts';

/** Keys of the CA that is to follow, beside those of a TLS Secret. */
const nextKeys = { certificate: 'next.crt', key: 'next.key' };

/** The pairs in a CA Secret; either may be garbage. */
export function readCaPairs(secret: Secret): { issuing: CertificatePair; next: CertificatePair | undefined } {
  const text = (key: string): string => Buffer.from(secret.data?.[key] ?? '', 'base64').toString('utf8');
  const next = { certificate: text(nextKeys.certificate), key: text(nextKeys.key) };
  return { issuing: readPairSecret(secret).pair, next: next.certificate === '' ? undefined : next };
}

/**
 * What the CA Secret says, as of a moment. `renewAt` is a fraction of a CA's life.
 * Throws CERTIFICATE_INVALID when a newer latchkey wrote its state.
 */
export function readCaFacts(secret: Secret, nowMs: number, renewAt: number): CaFacts {
  const { issuing, next } = readCaPairs(secret);
  const { bundle } = readPairSecret(secret);
  const authorities = readBundle(bundle).filter(({ ca }) => ca);
  const factOf = (pair: CertificatePair): AuthorityFact => ({
    id: pairId(pair),
    problem: authorityProblem(pair, nowMs),
    due: reasonToReplace(pair, nowMs, renewAt),
  });
  return {
    issuing: factOf(issuing),
    next: next && factOf(next),
    bundle: authorities.map(certificateId),
    state: readCaState(secret),
    request: secret.metadata.annotations?.[rotateAnnotation],
    tidy: isTidy(secret) && bundle === authorities.map(String).join(''),
  };
}

/** The id of a pair's certificate; empty when it is garbage. */
export function pairId(pair: CertificatePair): string {
  const parsed = parsePair(pair);
  return parsed === undefined ? '' : certificateId(parsed.certificate);
}

/**
 * Reads the state; a Secret without one is stable (an operator may have brought it).
 * Throws CERTIFICATE_INVALID when a newer latchkey wrote it: it is never overwritten.
 */
function readCaState({ metadata: { name, annotations } }: Secret): CaState {
  const text = annotations?.[caStateAnnotation];
  if (text === undefined) return { version: 1, phase: 'stable', waitingFor: [] };
  try {
    return caStateSchema.parse(JSON.parse(text));
  } catch (err) {
    throw new LatchkeyError(
      'CERTIFICATE_INVALID',
      `the annotation ${caStateAnnotation} of Secret ${name} is of a version that this latchkey does not know: run the version that wrote it, or remove the annotation`,
      { cause: err },
    );
  }
}

/** The CA Secret to store, based on the one that is there. `bundle` is PEM. */
export function caSecret(
  target: { namespace: string; name: string },
  content: { issuing: CertificatePair; next: CertificatePair | undefined; bundle: string; state: CaState },
  existing: Secret | undefined,
): Secret {
  const { issuing: pair, next, bundle, state } = content;
  const annotations = { [caStateAnnotation]: JSON.stringify(state) };
  const secret = pairSecret({ ...target, annotations }, { pair, bundle }, existing);
  const { [nextKeys.certificate]: _certificate, [nextKeys.key]: _key, ...data } = secret.data ?? {};
  if (next === undefined) return { ...secret, data };
  const encode = (text: string): string => Buffer.from(text, 'utf8').toString('base64');
  return {
    ...secret,
    data: { ...data, [nextKeys.certificate]: encode(next.certificate), [nextKeys.key]: encode(next.key) },
  };
}
