import type { Warnings } from '#shared/core/bounds/warnings.ts';
import type { WorkBudget } from '#shared/core/bounds/work-budget.ts';
import { type JsonObject, member } from '#shared/core/text/json-object.ts';
import { truncateShort } from '#shared/core/text/plain-text.ts';
import { type Addition, addition, insertInto, type WrittenOperation } from './add-operation.ts';
import type { MissingInitContainer } from './planned-init-container.ts';
import type { Container, Pod } from './pod.ts';

const path = '/spec/initContainers';

/**
 * Puts pull containers before all others, or behind the native sidecars that get no secrets. Those are of a mesh: until
 * they run the pod may have no network. A sidecar that gets secrets may read the files, and comes after.
 */
export function placeInitContainers(
  { initContainers }: Pod,
  missing: readonly MissingInitContainer[],
  { isOurs, isSkipped }: { isOurs: (source: JsonObject) => boolean; isSkipped: (name: string) => boolean },
  { budget, warnings }: { budget: WorkBudget; warnings: Warnings },
): WrittenOperation[] {
  const behind = missing.filter(isBehind);
  const first = missing.filter((each) => !isBehind(each));
  const index = behind.length === 0 ? 0 : indexBehindSidecars(initContainers ?? [], isSkipped, budget);
  // In one list: where the pod has none, each operation would write a new one.
  if (index === 0) return insertInto(path, initContainers, containersOf([...first, ...behind]), 0);
  for (const early of (initContainers ?? []).slice(0, index)) {
    if (isSkipped(early.name) || isOurs(early.source)) continue;
    warnings.add(
      () =>
        `init container ${truncateShort(early.name)} runs before secret ${truncateShort(behind[0]?.title ?? '')} is fetched, behind a native sidecar`,
    );
  }
  return [
    ...insertInto(path, initContainers, containersOf(behind), index),
    ...insertInto(path, initContainers, containersOf(first), 0),
  ];
}

const isBehind = ({ position }: MissingInitContainer): boolean => position === 'afterNativeSidecars';

const containersOf = (missing: readonly MissingInitContainer[]): Addition[] =>
  missing.map(({ container }) => addition(container));

/** Finds the place directly behind the last native sidecar that gets no secrets; 0 without one. */
function indexBehindSidecars(
  containers: readonly Container[],
  isSkipped: (name: string) => boolean,
  budget: WorkBudget,
): number {
  budget.spend(2 * containers.length);
  const last = containers.findLastIndex(
    ({ name, source }) => member(source, 'restartPolicy') === 'Always' && isSkipped(name),
  );
  return last + 1;
}
