import { managedByLabel } from '#shared/contracts/own-object.ts';
import { digestData, type OwnedCopy } from './copy-plan.ts';
import type { SecretObject } from './secret-fact.ts';

/** What marks a Secret as a copy of latchkey's. */
export const copyLabels = { ...managedByLabel, 'latchkey.dev/copy': 'global' };
/** The selector of the same. */
export const copySelector = Object.entries(copyLabels)
  .map(([label, value]) => `${label}=${value}`)
  .join(',');

/** Projects a labelled Secret onto what the plan compares; its values are digested at once and not kept. */
export function ownedCopy(
  secret: SecretObject & { metadata: { uid?: string }; immutable?: boolean },
): OwnedCopy | undefined {
  const { namespace, name, uid, resourceVersion } = secret.metadata;
  if (namespace === undefined || uid === undefined || resourceVersion === undefined) return undefined;
  const { data = {}, immutable = false } = secret;
  const keys = Object.keys(data);
  return { namespace, name, uid, resourceVersion, keys, dataDigest: digestData(data), immutable };
}
