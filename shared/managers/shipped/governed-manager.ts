import { policyOf } from '#shared/core/rules/policy/policy.ts';
import type { Manager } from './manager.ts';

/** A manager whose recipe carries its part of the configuration's policy, so that the two are published as one. */
export function governed(manager: Manager): Manager {
  return {
    ...manager,
    recipe: (config) => {
      const policy = policyOf(config.policy, manager.name);
      return policy === undefined ? manager.recipe(config) : { ...manager.recipe(config), policy };
    },
  };
}
