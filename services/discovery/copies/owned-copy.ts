import { managedByLabel } from '#shared/contracts/own-object.ts';
import { isCopyName } from '#shared/managers/global-copies.ts';
import type { SecretObject } from '../kubernetes/secret-fact.ts';
import { copyType, type OwnedCopy } from './copy-plan.ts';
import { digestData } from './desired-copy.ts';

const copyLabels = { ...managedByLabel, 'latchkey.dev/copy': 'global' };
const installationLabel = 'latchkey.dev/installation';
/** Characters of a namespace's name; a label that is longer names none, and is not kept. */
const longestInstallation = 63;

/** What marks a Secret as a copy of this installation's. @param installation the namespace that latchkey runs in */
export const labelsOfCopy = (installation: string): Record<string, string> => ({
  ...copyLabels,
  [installationLabel]: installation,
});
/** Selects the copies of every installation: those of 0.1.0 have no label of theirs. */
export const copySelector = Object.entries(copyLabels)
  .map(([label, value]) => `${label}=${value}`)
  .join(',');

/**
 * Projects a labelled Secret onto what the plan compares; its values are digested at once and not kept. Anybody may put the
 * labels on any Secret: undefined for one that no copy can be, by its name.
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
