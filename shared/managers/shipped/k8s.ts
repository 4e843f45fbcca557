import { ownSecretPrefix } from '#shared/contracts/kubernetes/own-object.ts';
import { flyteEnvEdits, flyteFileEdits } from './flyte-edits.ts';
import type { Manager } from './manager.ts';

/** Kubernetes Secrets in the task's own namespace: group = name of the Secret, key = key in it. */
export const k8sManager: Manager = {
  name: 'k8s',
  source: 'k8s',
  recipe: (config) => ({
    schema: 1,
    manager: 'k8s',
    description: 'Kubernetes Secret "${group}" with key "${key}"',
    scope: 'namespace',
    inventory: config.k8s.inventory,
    fields: {
      group: { required: true, format: 'dns1123-subdomain', forbiddenPrefixes: [ownSecretPrefix] },
      groupVersion: { format: 'path-segment' },
      key: { required: true, format: 'secret-key' },
      envVar: { format: 'env-name' },
    },
    mounts: { accepts: ['env', 'file'], any: 'file' },
    lookup: ['${group}/${key}'],
    edits: {
      // `optional: true` as Flyte: the Secret may be deleted between admission and the start of the pod.
      env: flyteEnvEdits(
        { valueFrom: { secretKeyRef: { name: '${group}', key: '${key}', optional: true } } },
        'last',
      ),
      file: flyteFileEdits({ secretName: '${group}', key: '${key}', optional: true }),
    },
  }),
  entry(fact, config) {
    if (config.k8s.inventory === 'open' || fact.namespace === undefined) return undefined;
    if (fact.secret.startsWith(ownSecretPrefix)) return undefined;
    if (fact.leftOut === true) {
      const entry = { schema: 1 as const, items: {}, leftOut: `${fact.secret}/` };
      return { namespace: fact.namespace, secret: fact.secret, entry };
    }
    const items = Object.fromEntries(fact.keys.map((key) => [`${fact.secret}/${key}`, {}]));
    return { namespace: fact.namespace, secret: fact.secret, entry: { schema: 1, items } };
  },
  knowsNamespace: (marker) => marker.watched === true,
};
