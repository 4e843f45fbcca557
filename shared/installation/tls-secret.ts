import type { KeyPair } from '#shared/certificates/key-pair.ts';
import { managedByLabel } from '#shared/contracts/own-object.ts';
import type { Secret } from '#shared/kubernetes/kubernetes-object.ts';

/** What both of our Secrets hold: a pair, and the bundle of CAs to trust. */
export interface TlsSecretContent {
  pair: KeyPair;
  bundle: string;
}

const decode = (base64: string | undefined): string => Buffer.from(base64 ?? '', 'base64').toString('utf8');
const encode = (text: string): string => Buffer.from(text, 'utf8').toString('base64');

/** Reads the pair of a Secret; a missing key reads as empty text, which no check lets pass. */
export const readTlsSecret = ({ data }: Secret): TlsSecretContent => ({
  pair: { certificate: decode(data?.['tls.crt']), key: decode(data?.['tls.key']) },
  bundle: decode(data?.['ca.crt']),
});

const pairKeys = ['ca.crt', 'tls.crt', 'tls.key'];

/**
 * Returns the Secret where it holds anything. The manifests make both Secrets empty, so that nobody needs the right to
 * create any: an empty one counts as missing.
 */
export const nonEmptySecret = (secret: Secret | undefined): Secret | undefined =>
  pairKeys.some((key) => secret?.data?.[key]) ? secret : undefined;

/** Whether a Secret of ours has our label. That one is immutable only an operator can mend, and it may be whole. */
export const isConformant = ({ metadata: { labels } }: Secret): boolean =>
  Object.entries(managedByLabel).every(([label, value]) => labels?.[label] === value);

/**
 * The Secret to store, based on the one that is there: foreign labels, annotations and the type (which cannot change;
 * Flyte's own Secret of that name is Opaque) stay as they are.
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
      labels: { ...existing?.metadata.labels, ...managedByLabel },
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
