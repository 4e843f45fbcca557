import type { KeyPair } from '#shared/certificates/key-pair.ts';
import { ownObjectLabel } from '#shared/contracts/kubernetes/own-object.ts';
import type { Secret } from '#shared/kubernetes/requests/kubernetes-object.ts';

/** Holds the content of our TLS Secrets: a key pair and the bundle of CAs to trust. */
export interface TlsSecretContent {
  pair: KeyPair;
  bundle: string;
}

const decode = (base64: string | undefined): string => Buffer.from(base64 ?? '', 'base64').toString('utf8');
const encode = (text: string): string => Buffer.from(text, 'utf8').toString('base64');

/** Reads the content of a Secret; a missing key reads as empty text, which no check accepts. */
export const readTlsSecret = ({ data }: Secret): TlsSecretContent => ({
  pair: { certificate: decode(data?.['tls.crt']), key: decode(data?.['tls.key']) },
  bundle: decode(data?.['ca.crt']),
});

const pairKeys = ['ca.crt', 'tls.crt', 'tls.key'];

/**
 * Returns the Secret unless it is empty. The manifests create both Secrets empty, so that nobody needs the right to
 * create any: an empty one counts as missing.
 */
export const nonEmptySecret = (secret: Secret | undefined): Secret | undefined =>
  pairKeys.some((key) => secret?.data?.[key]) ? secret : undefined;

/**
 * Tells whether a Secret has our label. Immutability is not judged: only an operator can change it, and the content
 * may be fine.
 */
export const isConformant = ({ metadata: { labels } }: Secret): boolean =>
  Object.entries(ownObjectLabel).every(([label, value]) => labels?.[label] === value);

/**
 * Makes the Secret to store, based on the existing one. Labels and annotations of others stay, and so does the type,
 * which cannot change (Flyte's own Secret of that name is Opaque).
 */
export function tlsSecret(
  target: { namespace: string; name: string; annotations?: Record<string, string> },
  { pair, bundle }: TlsSecretContent,
  existing: Secret | undefined,
): Secret {
  const { namespace, name, annotations } = target;
  return {
    ...(existing ?? {}),
    metadata: {
      ...(existing?.metadata ?? {}),
      name,
      namespace,
      labels: { ...existing?.metadata.labels, ...ownObjectLabel },
      // The API server drops an empty map, which would then differ for ever.
      ...(annotations === undefined
        ? {}
        : { annotations: { ...existing?.metadata.annotations, ...annotations } }),
    },
    type: existing?.type ?? 'kubernetes.io/tls',
    data: {
      ...existing?.data,
      'ca.crt': encode(bundle),
      'tls.crt': encode(pair.certificate),
      'tls.key': encode(pair.key),
    },
  };
}
