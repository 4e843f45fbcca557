import { flyteEnvEdits, flyteFileEdits } from './flyte-edits.ts';
import type { Manager } from './manager.ts';

/**
 * Secrets of the installation, offered to every namespace.
 * Delivery `reference`: the task reads a copy in its namespace. `inline`: the value stands in the pod (entry.value,
 * which the gateway opens).
 */
export const globalManager: Manager = {
  name: 'global',
  source: 'global',
  recipe(config) {
    const reference = config.global.delivery === 'reference';
    const copy = { secretName: '${entry.secretName}', key: '${entry.secretKey}', optional: false };
    const { secretName: name, key, optional } = copy;
    return {
      schema: 1,
      manager: 'global',
      description: 'global secret "${group}/${key}"',
      scope: reference ? 'namespace' : 'cluster',
      inventory: 'closed',
      fields: {
        group: { required: true, format: 'path-segment' },
        groupVersion: { format: 'path-segment' },
        key: { required: true, format: 'path-segment' },
        envVar: { format: 'env-name' },
      },
      mounts: { accepts: reference ? ['env', 'file'] : ['env'], any: 'env' },
      hiddenPrefixes: ['env:', 'file:'],
      lookup: ['env:${group|upper}_${key|upper}', 'file:${group}/${key}'],
      edits: {
        env: reference
          ? flyteEnvEdits({ valueFrom: { secretKeyRef: { name, key, optional } } }, 'first')
          : flyteEnvEdits({ value: '${entry.value|envLiteral}' }, 'first'),
        file: reference ? flyteFileEdits(copy) : [],
      },
    };
  },
  entry(fact, config) {
    if (config.global.delivery === 'inline') {
      return {
        namespace: undefined,
        secret: fact.secret,
        entry: {
          schema: 1,
          items: { [fact.secret]: {} },
          ...(fact.sealed === undefined ? {} : { sealed: { [fact.secret]: fact.sealed } }),
        },
      };
    }
    // Without a place for its copy (it is too large for a Secret) a task could not read it.
    if (fact.copy === undefined) return undefined;
    const items = { [fact.secret]: { ...fact.copy } };
    return { namespace: undefined, secret: fact.secret, entry: { schema: 1, items } };
  },
  knowsNamespace: (marker, config) => config.global.delivery === 'reference' && marker.globalsReady === true,
};
