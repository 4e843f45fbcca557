import type { KubernetesCall } from '#shared/kubernetes/requests/kubernetes-call.ts';
import type { SecretData } from '../../../services/discovery/copies/desired-copy.ts';
import type { StoredSecret } from './secret-store.ts';

/** Names that a copy may have in the model, and data that it may be to hold. */
export const names = ['latchkey-global-0', 'latchkey-global-1'];
export const values: SecretData[] = [{ a: 'MQ==' }, { a: 'Mg==' }, { a: 'MQ==', b: 'Mg==' }];
/** Labels of a copy of 0.1.0, which names no installation. */
export const own = { 'app.kubernetes.io/managed-by': 'latchkey', 'latchkey.dev/copy': 'global' };
export const labels = { ...own, 'latchkey.dev/installation': 'latchkey' };

/** Tells whether a Secret holds this data as a copy does. */
export const isRight = (secret: StoredSecret | undefined, data: SecretData): boolean =>
  secret?.type === 'Opaque' && JSON.stringify(secret.data) === JSON.stringify(data);

export const deletionOf = (name: string): KubernetesCall => ({
  verb: 'delete',
  path: `/api/v1/namespaces/team/secrets/${name}`,
  body: {},
});

/** Tells whether a Secret is somebody else's, which stays until its owner removes it, as the log asks for. */
export function isForeign(secret: StoredSecret | undefined): boolean {
  if (secret === undefined) return false;
  const isCopy = secret.metadata.labels['latchkey.dev/copy'] === 'global';
  const installation = secret.metadata.labels['latchkey.dev/installation'] ?? 'latchkey';
  return !isCopy || installation !== 'latchkey';
}

/** Names what differs from the desired copies when all has arrived. */
export function endFault(
  secrets: ReadonlyMap<string, StoredSecret>,
  wanted: ReadonlyMap<string, SecretData>,
): string | undefined {
  for (const [name, data] of wanted) {
    const secret = secrets.get(name);
    const isOurs = JSON.stringify(secret?.metadata.labels) === JSON.stringify(labels);
    if (!isRight(secret, data) || !isOurs) {
      return `in the end ${name} holds ${JSON.stringify(secret)}, wanted ${JSON.stringify(data)}`;
    }
  }
  const left = [...secrets.values()].find(
    ({ metadata }) =>
      JSON.stringify(metadata.labels) === JSON.stringify(labels) && !wanted.has(metadata.name),
  );
  return left && `${left.metadata.name} is still there`;
}
