import type { WorkBudget } from '#shared/core/bounds/work-budget.ts';
import { member } from '#shared/core/text/json-object.ts';
import type { NamedObject } from './pod.ts';

/** A variable whose value names one of ours that comes after it: the task gets the text `$(NAME)`. */
export interface EarlyReference {
  variable: string;
  reference: string;
}

/** Finds references in variables of one pod, as many as are worth a warning; no pod is refused for more. */
export interface ReferenceSearch {
  find(env: readonly NamedObject[], isOurs: (name: string) => boolean): EarlyReference[];
}

/** Most that is searched in one pod. */
const mostCharacters = 262_144;
const mostReferences = 5_000;
const charactersPerStep = 64;
const stepsPerReference = 4;
const stepsPerVariable = 2;

/**
 * Searches as the kubelet expands (docs/reference/kube-apiserver.md C48): in the order of the list, with the variables before
 * it. Ours are behind the container's own; its command and args are expanded from all.
 */
export function createReferenceSearch(budget: WorkBudget): ReferenceSearch {
  const left = { characters: mostCharacters, references: mostReferences };
  const referencesOf = (value: string): string[] => {
    if (value.length > left.characters || left.references === 0) return [];
    left.characters -= value.length;
    budget.spend(Math.ceil(value.length / charactersPerStep));
    if (!value.includes('$(')) return [];
    const names: string[] = [];
    for (const name of namesIn(value)) {
      if (left.references === 0) break;
      left.references--;
      budget.spend(stepsPerReference);
      if (name !== undefined) names.push(name);
    }
    return names;
  };
  return {
    find: (env, isOurs) => {
      budget.spend(stepsPerVariable * env.length);
      const found: EarlyReference[] = [];
      const before = new Set<string>();
      for (const variable of env) {
        const { name = '' } = variable;
        const value = member(variable, 'value');
        if (isOurs(name)) before.add(name);
        else if (typeof value === 'string') {
          const early = referencesOf(value).find((each) => isOurs(each) && !before.has(each));
          if (early !== undefined) found.push({ variable: name, reference: early });
        }
      }
      return found;
    },
  };
}

/**
 * Reads what stands behind each `$`: a name in `$(NAME)`, else undefined (`$$` is one `$`). In time linear in the text: every
 * `$(` that is read has its end.
 */
function* namesIn(value: string): Generator<string | undefined> {
  const closed = value.slice(0, value.lastIndexOf(')') + 1);
  for (const [, name] of closed.matchAll(/\$(?:\(([^)]*)\)|[\s\S])/g)) yield name;
}
