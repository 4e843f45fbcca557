import type { Logger } from 'pino';
import type { LatchkeyConfig } from '#shared/contracts/config/latchkey-config.ts';
import {
  createWebhookConfiguration,
  type MutatingWebhookConfiguration,
  patchWebhookConfiguration,
} from '#shared/kubernetes/objects/webhook-configurations.ts';
import type { Kubernetes } from '#shared/kubernetes/requests/connect-kubernetes.ts';
import type { OwnerReference } from '#shared/kubernetes/requests/kubernetes-object.ts';
import {
  configurationNameOf,
  desiredWebhookConfiguration,
  planRepair,
  repairedFields,
  wholeObject,
} from './webhook-configuration.ts';

/**
 * Creates or repairs the webhook configuration and returns it as stored. Returns undefined when it is left to GitOps
 * (`webhook.manage: false`) and does not exist yet. Uses (create, patch) of mutatingwebhookconfigurations.
 */
export async function ensureWebhook(
  options: {
    kubernetes: Kubernetes;
    webhook: LatchkeyConfig['webhook'];
    namespace: string;
    log: Logger;
    deferred?: ReadonlySet<string>;
    /** What the object is deleted with. */
    owner?: OwnerReference | undefined;
    /** Receives the fields that were written. */
    onRepaired?: (fields: readonly string[]) => void;
  },
  existing: MutatingWebhookConfiguration | undefined,
  bundle: string,
): Promise<MutatingWebhookConfiguration | undefined> {
  const { kubernetes, webhook, namespace, log } = options;
  const name = configurationNameOf(webhook, existing);
  if (existing === undefined) {
    if (!webhook.manage) return undefined;
    const created = await createWebhookConfiguration(
      kubernetes,
      desiredWebhookConfiguration(webhook, namespace, bundle, options.owner),
    );
    log.info({ name }, 'webhook configuration created');
    options.onRepaired?.([wholeObject]);
    return created;
  }
  const operations = planRepair(existing, webhook, namespace, bundle, options.deferred, options.owner);
  if (operations.length === 0) return existing;
  const repaired = await patchWebhookConfiguration(kubernetes, name, operations);
  const fields = repairedFields(operations);
  log.info({ name, fields }, 'webhook configuration repaired');
  options.onRepaired?.(fields);
  return repaired;
}
