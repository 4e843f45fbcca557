import type { LatchkeyConfig } from '#shared/contracts/config/latchkey-config.ts';
import { ownSecretPrefix } from '#shared/contracts/kubernetes/own-object.ts';
import { flyteEnvEdits, flyteFileEdits } from './flyte-edits.ts';
import type { Manager } from './manager.ts';

/**
 * Whether a task starts without a Secret that is deleted before the kubelet reads it. With an open inventory as Flyte; with
 * a closed one the kubelet enforces what admission has promised, and waits for the Secret.
 */
const isOptional = ({ k8s }: LatchkeyConfig): boolean => k8s.inventory === 'open';

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
      env: flyteEnvEdits(
        { valueFrom: { secretKeyRef: { name: '${group}', key: '${key}', optional: isOptional(config) } } },
        'last',
      ),
      file: flyteFileEdits({ secretName: '${group}', key: '${key}', optional: isOptional(config) }),
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
