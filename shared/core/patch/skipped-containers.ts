import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import type { Warnings } from '#shared/core/bounds/warnings.ts';
import { nameSteps, type WorkBudget } from '#shared/core/bounds/work-budget.ts';
import { quote, truncateShort } from '#shared/core/text/plain-text.ts';
import { malformedPod, type Pod } from './pod.ts';

/** Annotation by which a pod names more containers that get no secrets, separated by commas. */
export const skipAnnotation = 'latchkey.dev/skip-containers';

const mostSkipped = 32;
const longestContainerName = 63;

/**
 * Which containers get no secrets: those that webhooks of meshes and agents add, by the names of the configuration, and
 * those that the pod's annotation names.
 * @throws POD_MALFORMED when the annotation is no list of names, or no container is left
 */
export function skippedContainers(
  pod: Pod,
  configured: readonly string[],
  { budget, warnings }: { budget: WorkBudget; warnings: Warnings },
): (container: string) => boolean {
  const asked = namesOf(pod.annotations[skipAnnotation], budget);
  const all = [...pod.containers, ...(pod.initContainers ?? [])];
  budget.spend(nameSteps * all.length + configured.length);
  const skipped = new Set([...configured, ...asked]);
  if (pod.containers.length > 0 && pod.containers.every(({ name }) => skipped.has(name))) {
    throw new LatchkeyError(
      'POD_MALFORMED',
      `no container of the pod would get its secrets: all are left out, by annotation ${quote(skipAnnotation)} or by gateway.skippedContainers in latchkey.yaml. Take one out of the annotation, or rename it`,
    );
  }
  const known = new Set(asked.length === 0 ? [] : all.map(({ name }) => name));
  for (const name of asked.filter((each) => !known.has(each))) {
    warnings.add(
      () => `annotation ${skipAnnotation} names ${truncateShort(name)}, and there is no such container`,
    );
  }
  return (container) => skipped.has(container);
}

function namesOf(value: string | undefined, budget: WorkBudget): string[] {
  if (value === undefined) return [];
  const longest = mostSkipped * (longestContainerName + 2);
  const names = value.length > longest ? [] : value.split(',', mostSkipped + 1).map((name) => name.trim());
  budget.spend(2 * names.length);
  const areNames = names.every((name) => /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name));
  if (names.length > 0 && names.length <= mostSkipped && areNames) return names;
  throw malformedPod(
    `metadata.annotations["${skipAnnotation}"]`,
    `a list of at most ${mostSkipped} names of containers, separated by commas`,
  );
}
