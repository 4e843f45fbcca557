import { randomBytes } from 'node:crypto';
import { createDigestSet, recipeDigest } from '#shared/bus/records/digest.ts';
import type { BusRecord } from '#shared/bus/records/record.ts';
import { formatKey } from '#shared/contracts/bus/bucket.ts';
import { k8sManager } from '#shared/managers/shipped/k8s.ts';
import { defaultConfig } from '#testkit/installation/default-config.ts';
import { aManifest, aRecord } from './a-record.ts';

const owner = 'k8s';

/**
 * A complete set of k8s.
 * @param keys namespace -> how many keys its one Secret has, each of 242 characters that pack to no fewer bytes than 180
 */
export function namespaceRules(keys: Record<string, number>): BusRecord[] {
  const recipe = aRecord({
    key: formatKey({ owner, kind: 'recipe' }),
    body: k8sManager.recipe(defaultConfig),
  });
  const records = Object.entries(keys).flatMap(([namespace, count]) => {
    const items = Array.from({ length: count }, () => [`s/${randomBytes(180).toString('base64url')}`, {}]);
    const entry = { schema: 1, items: Object.fromEntries([...items, ['s/known', {}]]) };
    return [
      aRecord({ key: formatKey({ owner, kind: 'namespace', namespace }), body: { schema: 1, namespace } }),
      aRecord({ key: formatKey({ owner, kind: 'entry', namespace, secret: 's' }), body: entry }),
    ];
  });
  const digests = createDigestSet();
  for (const { key, bytes } of [recipe, ...records]) digests.set(key, bytes);
  return [recipe, ...records, aManifest(owner, digests, { recipeDigest: recipeDigest(recipe.bytes) })];
}
