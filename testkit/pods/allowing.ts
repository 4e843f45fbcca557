import { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import { compileRecipe } from '#shared/core/rules/recipe/recipe.ts';
import { managers } from '#shared/managers/shipped/managers.ts';

/** What a rule names, as `group key`; without a key it names any. */
export interface Rules {
  owner: string[];
  dev?: string[];
  default?: 'allow' | 'deny';
}
export type Allows = (namespace: string, group: string, key?: string) => boolean;

/** Whether a pod of the namespace is given what it asks for, where each namespace has the rule of its name. */
export function allowing(manager: string, { owner, dev = [], default: byDefault = 'allow' }: Rules): Allows {
  const rules = Object.entries({ owner, dev }).flatMap(([namespace, named]) =>
    named.map((text, index) => {
      const [group = '', key] = text.split(' ');
      const keys = key === undefined ? {} : { keys: [key] };
      return { name: `${namespace}${index}`, groups: [group], ...keys, namespaces: [namespace] };
    }),
  );
  const policy = { default: byDefault, rules };
  const recipe = compileRecipe(managers.get(manager)?.recipe(latchkeyConfigSchema.parse({ policy })));
  return (namespace, group, key = '') => {
    const request = { group, groupVersion: '', key, envVar: '', versionedGroup: '', id: '', entry: {} };
    const names = recipe.lookup.map((lookup) => lookup({ ...request, namespace }));
    const caller = { namespace, serviceAccount: 'default' };
    return names.every((name) => recipe.policy?.decide(name, caller, { group, key }).allowed !== false);
  };
}
