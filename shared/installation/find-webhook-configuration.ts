import type { LatchkeyConfig } from '#shared/contracts/config/latchkey-config.ts';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { readObject } from '#shared/kubernetes/objects/read-objects.ts';
import type { MutatingWebhookConfiguration } from '#shared/kubernetes/objects/webhook-configurations.ts';
import type { Kubernetes } from '#shared/kubernetes/requests/connect-kubernetes.ts';
import { formerConfigurationName, usualConfigurationName } from './webhook-configuration.ts';

type WebhookConfig = Pick<LatchkeyConfig['webhook'], 'configurationName'>;

/** Lists the names that the object may have, the preferred one first. */
export const configurationNames = ({ configurationName }: WebhookConfig): string[] =>
  configurationName === undefined ? [usualConfigurationName, formerConfigurationName] : [configurationName];

/**
 * Finds the webhook configuration by the name of latchkey.yaml, or else by our usual name or that of 0.1.0. Undefined
 * when there is none. Uses (get) of mutatingwebhookconfigurations.
 * @throws KUBERNETES_REFUSED with the name that may not be read, if the object may be there
 */
export async function findWebhookConfiguration(
  kubernetes: Kubernetes,
  webhook: WebhookConfig,
): Promise<MutatingWebhookConfiguration | undefined> {
  const read = await Promise.all(
    configurationNames(webhook).map((name) =>
      readObject<MutatingWebhookConfiguration>(kubernetes, {
        resource: 'mutatingwebhookconfigurations',
        name,
      }).catch(keepForbidden),
    ),
  );
  // An operator's own role may allow one of the names alone.
  const found = read.find((object) => object !== undefined && !(object instanceof LatchkeyError));
  if (found !== undefined && !(found instanceof LatchkeyError)) return found;
  const forbidden = read.find((object) => object instanceof LatchkeyError);
  if (forbidden !== undefined) throw forbidden;
  return undefined;
}

/** Keeps the refusal of a right. Any other failure says nothing of the object, and must not choose another one. */
function keepForbidden(err: unknown): LatchkeyError {
  if (err instanceof LatchkeyError && err.fields.statusCode === 403) return err;
  throw err;
}
