import type { Logger } from 'pino';
import type { LatchkeyConfig } from '#shared/contracts/config/latchkey-config.ts';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import {
  createWebhookConfiguration,
  type JsonPatchOperation,
  type MutatingWebhookConfiguration,
  patchWebhookConfiguration,
} from '#shared/kubernetes/objects/webhook-configurations.ts';
import type { Kubernetes } from '#shared/kubernetes/requests/connect-kubernetes.ts';
import type { OwnerReference } from '#shared/kubernetes/requests/kubernetes-object.ts';
import { storedEntry, withoutStoredEntry } from './webhook-adoption.ts';
import {
  configurationNameOf,
  desiredWebhookConfiguration,
  planRepair,
  repairedFields,
  webhookName,
  wholeObject,
} from './webhook-configuration.ts';

interface EnsureOptions {
  kubernetes: Kubernetes;
  webhook: LatchkeyConfig['webhook'];
  namespace: string;
  log: Logger;
  deferred?: ReadonlySet<string>;
  /** What an object that is created is deleted with; one that exists is left as it is. */
  owner?: OwnerReference | undefined;
  /** Receives the fields that were written. */
  onRepaired?: (fields: readonly string[]) => void;
  /** Receives an object whose adopted entry the API server does not take back. */
  onNotRestored?: (found: MutatingWebhookConfiguration) => void;
}

/**
 * Creates or repairs the webhook configuration and returns it as stored. Returns undefined when it is left to GitOps
 * (`webhook.manage: false`) and does not exist yet. Uses (create, patch) of mutatingwebhookconfigurations.
 */
export async function ensureWebhook(
  options: EnsureOptions,
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
  const operations = planRepair(existing, webhook, namespace, bundle, options.deferred);
  if (operations.length === 0) return existing;
  const isRestored = webhook.manage && !webhook.adopt && storedEntry(existing, webhookName) !== undefined;
  try {
    return await writeRepair(options, existing, operations);
  } catch (err) {
    if (!isRestored || !isRefusal(err)) throw err;
    const rest = planRepair(withoutStoredEntry(existing), webhook, namespace, bundle, options.deferred);
    // Without another change the tests alone tell a refused entry from a lost race.
    const onlyTests = operations.filter(({ op }) => op === 'test');
    const stored = await writeRepair(options, existing, rest.length === 0 ? onlyTests : rest);
    options.onNotRestored?.(existing);
    return rest.length === 0 ? existing : stored;
  }
}

async function writeRepair(
  { kubernetes, webhook, log, onRepaired }: EnsureOptions,
  existing: MutatingWebhookConfiguration,
  operations: readonly JsonPatchOperation[],
): Promise<MutatingWebhookConfiguration> {
  const name = configurationNameOf(webhook, existing);
  const repaired = await patchWebhookConfiguration(kubernetes, name, operations);
  const fields = repairedFields(operations);
  if (fields.length === 0) return repaired;
  log.info({ name, fields }, 'webhook configuration repaired');
  onRepaired?.(fields);
  return repaired;
}

/** Recognises what the API server says of an object that it does not take: invalid, denied, too large. */
const isRefusal = (err: unknown): boolean =>
  err instanceof LatchkeyError && [400, 403, 413, 422].includes(Number(err.fields.statusCode));
