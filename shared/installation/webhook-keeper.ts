import type { Logger } from 'pino';
import type { LatchkeyConfig } from '#shared/contracts/latchkey-config.ts';
import type { Kubernetes } from '#shared/kubernetes/connect-kubernetes.ts';
import {
  createWebhookConfiguration,
  type MutatingWebhookConfiguration,
  patchWebhookConfiguration,
} from '#shared/kubernetes/webhook-configurations.ts';
import { desiredConfiguration, planRepair } from './webhook-configuration.ts';

/**
 * Makes the webhook configuration right and returns it as stored; undefined when it is left to GitOps
 * (`webhook.manage: false`) and not there yet. Uses (create, patch) of mutatingwebhookconfigurations.
 */
export async function ensureWebhook(
  options: { kubernetes: Kubernetes; webhook: LatchkeyConfig['webhook']; namespace: string; log: Logger },
  existing: MutatingWebhookConfiguration | undefined,
  bundle: string,
): Promise<MutatingWebhookConfiguration | undefined> {
  const { kubernetes, webhook, namespace, log } = options;
  const name = webhook.configurationName;
  if (existing === undefined) {
    if (!webhook.manage) return undefined;
    const created = await createWebhookConfiguration(
      kubernetes,
      desiredConfiguration(webhook, namespace, bundle),
    );
    log.info({ name }, 'created the webhook configuration');
    return created;
  }
  const operations = planRepair(existing, webhook, namespace, bundle);
  if (operations.length === 0) return existing;
  const repaired = await patchWebhookConfiguration(kubernetes, name, operations);
  log.info({ name, paths: operations.map(({ path }) => path) }, 'repaired the webhook configuration');
  return repaired;
}
