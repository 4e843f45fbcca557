import type { InitContainerPosition } from '#shared/contracts/config/init-container-position.ts';
import type { InitContainer } from '#shared/contracts/rules/rule-recipe.ts';
import { additionSteps, nameSteps, type WorkBudget } from '#shared/core/bounds/work-budget.ts';
import { isSuperset, type JsonObject } from '#shared/core/text/json-object.ts';
import type { PlannedVolume, VolumeNames } from './planned-volume.ts';
import type { Container, Pod } from './pod.ts';

/** An init container that a request wants, and the volumes by the names that it mounts them under. */
export interface PlannedInitContainer {
  container: InitContainer;
  /** The secret that wants it, and the only system that it runs on, if there is one. */
  title: string;
  os: 'linux' | undefined;
  position: InitContainerPosition | undefined;
  volumes: ReadonlyMap<string, PlannedVolume>;
}

/** An init container that the pod lacks, with its name in the pod. */
export type MissingInitContainer = Pick<PlannedInitContainer, 'title' | 'position'> & {
  container: JsonObject;
};

/** Steps to compare a container with a wanted one, and for each entry of its lists. */
const containerSteps = 20;
const itemSteps = 5;

/**
 * Names pull containers by Flyte's numbers, which appends them: they go on from the number of the user's own. One that the
 * pod has already is known by what it does.
 */
export function nameInitContainers(
  pod: Pod,
  planned: readonly PlannedInitContainer[],
  names: VolumeNames,
  budget: WorkBudget,
): { missing: MissingInitContainer[]; present: ReadonlySet<JsonObject> } {
  const existing = pod.initContainers ?? [];
  const namesakes = byBaseName(existing, budget);
  const present = new Set<JsonObject>();
  const absent: (MissingInitContainer & { container: InitContainer })[] = [];
  for (const { container, volumes, title, position } of planned) {
    const wanted = withVolumeNames(container, volumes, names);
    const other = namesakes
      .get(wanted.name)
      ?.find(({ source, name }) => !present.has(source) && isSameContainer(source, name, wanted, budget));
    if (other === undefined) absent.push({ container: wanted, title, position });
    else present.add(other.source);
  }
  payForAdded(
    absent.map(({ container }) => container),
    present.size,
    budget,
  );
  const taken = new Set([...existing, ...pod.containers].map(({ name }) => name));
  let number = existing.length - present.size;
  const missing = absent.map(({ container, ...rest }) => {
    while (taken.has(`${container.name}-${number}`)) number++;
    return { ...rest, container: { ...container, name: `${container.name}-${number++}` } };
  });
  return { missing, present };
}

/** A second decision meets those that are added before those that were there, and may hold each against each. */
function payForAdded(absent: readonly InitContainer[], present: number, budget: WorkBudget): void {
  for (const container of absent) {
    const { env = [], volumeMounts = [] } = container;
    const comparisons = env.length ** 2 + volumeMounts.length ** 2;
    budget.spend(
      additionSteps(JSON.stringify(container).length) +
        10 +
        2 * (env.length + volumeMounts.length) +
        (1 + present) * (containerSteps + itemSteps * comparisons),
    );
  }
}

/** Indexes the containers that could be one of ours by the name before `-<n>`. */
function byBaseName(containers: readonly Container[], budget: WorkBudget): Map<string, Container[]> {
  budget.spend((5 + nameSteps) * containers.length);
  const byName = new Map<string, Container[]>();
  for (const container of containers) {
    const name = /^(.*)-[0-9]+$/s.exec(container.name)?.[1];
    if (name === undefined) continue;
    const others = byName.get(name);
    if (others === undefined) byName.set(name, [container]);
    else others.push(container);
  }
  return byName;
}

function withVolumeNames(
  container: InitContainer,
  volumes: ReadonlyMap<string, PlannedVolume>,
  names: VolumeNames,
): InitContainer {
  if (container.volumeMounts === undefined) return container;
  const volumeMounts = container.volumeMounts.map((mount) => {
    const volume = volumes.get(mount.name);
    return { ...mount, name: (volume && names.get(volume)) ?? mount.name };
  });
  return { ...container, volumeMounts };
}

/**
 * Whether the pod's init container is the wanted one. Others may have added variables and mounts (a service account's
 * token, an identity for a cloud), and the API server writes quantities in its own way (`1000m` as `1`).
 */
function isSameContainer(
  source: JsonObject,
  name: string,
  { resources: _, ...wanted }: InitContainer,
  budget: WorkBudget,
): boolean {
  budget.spend(containerSteps);
  const { env = [], volumeMounts = [], ...rest } = wanted;
  return (
    isSuperset(source, { ...rest, name }) &&
    containsAll(source.env, env, budget) &&
    containsAll(source.volumeMounts, volumeMounts, budget)
  );
}

function containsAll(list: unknown, wanted: readonly unknown[], budget: WorkBudget): boolean {
  const items: unknown[] = Array.isArray(list) ? list : [];
  return wanted.every((one) =>
    items.some((item) => {
      budget.spend(itemSteps);
      return isSuperset(item, one);
    }),
  );
}
