import { ownObjectLabel } from '#shared/contracts/kubernetes/own-object.ts';
import { isCopyName } from '#shared/managers/chain/global-copies.ts';
import type { SecretObject } from '../kubernetes/secret-fact.ts';
import { copyType, type OwnedCopy } from './copy-plan.ts';
import { digestData } from './desired-copy.ts';

const copyLabels = { ...ownObjectLabel, 'latchkey.dev/copy': 'global' };
const installationLabel = 'latchkey.dev/installation';
/** Bounds the characters of a namespace's name; a longer label names none and is not kept. */
const longestInstallation = 63;

/**
 * Makes the labels of a copy of this installation.
 * @param installation the namespace that latchkey runs in
 */
export const labelsOfCopy = (installation: string): Record<string, string> => ({
  ...copyLabels,
  [installationLabel]: installation,
});
/** Selects the copies of every installation, since those of 0.1.0 name none. */
export const copySelector = Object.entries(copyLabels)
  .map(([label, value]) => `${label}=${value}`)
  .join(',');

/**
 * Projects a labelled Secret onto what the plan compares. Its values are digested at once and not kept. Anybody may put the
 * labels on any Secret.
 * @returns undefined for a name that no copy can have
 */
export function ownedCopy(
  secret: SecretObject & {
    metadata: { uid?: string; labels?: Record<string, string> };
    immutable?: boolean;
  },
): OwnedCopy | undefined {
  const { namespace, name, uid, resourceVersion } = secret.metadata;
  if (!isCopyName(name)) return undefined;
  if (namespace === undefined || uid === undefined || resourceVersion === undefined) return undefined;
  const { data = {}, type = copyType, immutable = false } = secret;
  const label = secret.metadata.labels?.[installationLabel];
  const installation = (label?.length ?? 0) > longestInstallation ? '' : label;
  const dataDigest = digestData(data);
  const isOpaque = type === copyType;
  return { namespace, name, uid, resourceVersion, dataDigest, isOpaque, immutable, installation };
}
