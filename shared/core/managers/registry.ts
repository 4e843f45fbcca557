import { globalManager } from './global.ts';
import { k8sManager } from './k8s.ts';
import type { Manager } from './manager.ts';

/** The managers that latchkey ships, by name. */
export const managers: ReadonlyMap<string, Manager> = new Map(
  [globalManager, k8sManager].map((manager) => [manager.name, manager]),
);
