import { awsManager } from './aws.ts';
import { azureManager } from './azure.ts';
import { gcpManager } from './gcp.ts';
import { globalManager } from './global.ts';
import { governed } from './governed-manager.ts';
import { k8sManager } from './k8s.ts';
import type { Manager } from './manager.ts';
import { vaultManager } from './vault.ts';

/** The managers that latchkey ships, by name. */
export const managers: ReadonlyMap<string, Manager> = new Map(
  [globalManager, k8sManager, awsManager, gcpManager, azureManager, vaultManager].map((manager) => [
    manager.name,
    governed(manager),
  ]),
);
