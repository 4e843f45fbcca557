import type { KeyPair } from '#shared/certificates/key-pair.ts';
import { type CaState, caStateAnnotation } from '#shared/contracts/kubernetes/rotation-state.ts';
import { tlsSecret } from '#shared/installation/tls-secret.ts';
import type { Secret } from '#shared/kubernetes/requests/kubernetes-object.ts';
import { nextKeys } from '../observe/read-ca-facts.ts';

/** Makes the CA Secret to store, based on the one that exists. `bundle` is PEM. */
export function caSecret(
  target: { namespace: string; name: string },
  content: { issuing: KeyPair; next: KeyPair | undefined; bundle: string; state: CaState },
  existing: Secret | undefined,
): Secret {
  const { issuing: pair, next, bundle, state } = content;
  const annotations = { [caStateAnnotation]: JSON.stringify(state) };
  const secret = tlsSecret({ ...target, annotations }, { pair, bundle }, existing);
  const { [nextKeys.certificate]: _certificate, [nextKeys.key]: _key, ...data } = secret.data ?? {};
  if (next === undefined) return { ...secret, data };
  const encode = (text: string): string => Buffer.from(text, 'utf8').toString('base64');
  return {
    ...secret,
    data: { ...data, [nextKeys.certificate]: encode(next.certificate), [nextKeys.key]: encode(next.key) },
  };
}
