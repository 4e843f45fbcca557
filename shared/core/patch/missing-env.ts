import type { EnvEntry } from '#shared/contracts/rules/rule-recipe.ts';
import type { Warnings } from '#shared/core/bounds/warnings.ts';
import { additionSteps, comparisonSteps, type WorkBudget } from '#shared/core/bounds/work-budget.ts';
import { isSuperset } from '#shared/core/text/json-object.ts';
import { truncateShort } from '#shared/core/text/plain-text.ts';
import { type Addition, addition } from './add-operation.ts';
import type { EarlyReference, ReferenceSearch } from './early-references.ts';
import type { Container, NamedObject } from './pod.ts';
import { firstOf, type PodPlan } from './pod-plan.ts';

/** A variable that every container is to have, as the pod may already have it, and the secrets for which. */
export interface WantedVariable extends Addition<EnvEntry> {
  expected: object;
  secrets: ReadonlySet<string>;
}

/** Writes the variables of a plan, by name. */
export function wantedEnv(env: PodPlan['env']): Map<string, WantedVariable> {
  const wanted = new Map<string, WantedVariable>();
  for (const [name, { value, secrets }] of env) {
    const expected = 'value' in value ? { ...value, valueFrom: undefined } : { ...value, value: '' };
    wanted.set(name, { ...addition(value), expected, secrets });
  }
  return wanted;
}

/** The variables of ours that a container lacks; one of its own stays, with a warning. */
export function missingEnv(
  container: Container,
  wanted: ReadonlyMap<string, WantedVariable>,
  { budget, warnings, references }: { budget: WorkBudget; warnings: Warnings; references: ReferenceSearch },
): Addition[] {
  const present = indexEnv(container, wanted, budget);
  const missing: Addition[] = [];
  const hidden = new Set<string>();
  for (const [name, variable] of wanted) {
    const { expected, secrets } = variable;
    const other = present.get(name);
    budget.spend(other === undefined ? additionSteps(variable.json.length) : comparisonSteps);
    if (other === undefined) missing.push(variable);
    else if (!isSuperset(other, expected)) {
      hidden.add(name);
      warnings.add(() => {
        const more = secrets.size > 1 ? ` and ${secrets.size - 1} more` : '';
        const title = truncateShort(firstOf(secrets));
        return `${truncateShort(name)} of container ${truncateShort(container.name)} hides secret ${title}${more}`;
      });
    }
  }
  const isOurs = (name: string): boolean => wanted.has(name) && !hidden.has(name);
  const early = wanted.size === 0 ? [] : references.find(container.env ?? [], isOurs);
  if (early.length > 0) warnings.add(() => describeEarly(container.name, early));
  return missing;
}

/** Says it once for each container, so that no pod gets more than a few. */
function describeEarly(container: string, [first, ...others]: readonly EarlyReference[]): string {
  const { variable = '', reference = '' } = first ?? {};
  const more = others.length === 0 ? '' : ` (and ${others.length} more)`;
  return `${truncateShort(variable)} of container ${truncateShort(container)} keeps the text $(${truncateShort(reference)}), which comes after it${more}`;
}

/** The container's variables that have a name of ours. Of several of one name the last one counts. */
function indexEnv(
  { env = [] }: Container,
  wanted: ReadonlyMap<string, unknown>,
  budget: WorkBudget,
): ReadonlyMap<string, NamedObject> {
  const present = new Map<string, NamedObject>();
  for (const variable of env) {
    if (!variable.name) continue;
    // A name may be as long as the pod.
    budget.spend(2 + Math.floor(variable.name.length / 32));
    if (wanted.has(variable.name)) present.set(variable.name, variable);
  }
  return present;
}
