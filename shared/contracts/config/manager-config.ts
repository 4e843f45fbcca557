import { z } from 'zod';
import {
  absolutePath,
  fewMembers,
  jsonObject,
  labelValue,
  mostMembers,
  mostNamedNamespaces,
  namespaceName,
  qualifiedName,
} from '#shared/contracts/shapes/config-values.ts';
import { initContainerPositions } from './init-container-position.ts';
import { providerSchemas } from './provider-config.ts';

/** Sections of the managers in latchkey.yaml. */
const labelSelector = z.strictObject({
  matchLabels: fewMembers(mostMembers, z.record(qualifiedName, labelValue))
    .default({})
    .describe('Labels that a namespace must carry, all of them; none selects every namespace.'),
});

/** Namespaces whose Secrets are watched and into which global secrets are copied: named, or selected by label. */
const namespacesSchema = z
  .union([
    z.strictObject({
      names: z.array(namespaceName).max(mostNamedNamespaces).describe('Selected namespaces, by name.'),
    }),
    z.strictObject({ selector: labelSelector.describe('Selects namespaces by label.') }),
  ])
  .default({ selector: { matchLabels: { 'latchkey.dev/secrets': 'enabled' } } })
  .describe(
    'Namespaces whose Secrets are watched and into which global secrets are copied: either `names` or `selector`.',
  );

export const globalSchema = z.strictObject({
  delivery: z
    .enum(['reference', 'inline'])
    .default('reference')
    .describe(
      '`reference` copies each secret into the selected namespaces and injects a `secretKeyRef`; `inline` puts the value into the pod spec (docs/inline-delivery.md).',
    ),
  keyRingDir: absolutePath
    .default('/etc/latchkey/keyring')
    .describe('Folder of the key ring that discovery and the gateways mount; used by `delivery: inline`.'),
  acceptNetworkPolicyOnly: z
    .boolean()
    .default(false)
    .describe(
      'Allows `delivery: inline` without `webhook.clientCa`, when a network policy keeps other callers from the gateways.',
    ),
  envPrefix: z
    .string()
    .default('FLYTE_SECRET_')
    .describe('Prefix of the environment variables of discovery that hold global secrets.'),
  dir: absolutePath
    .default('/etc/secrets')
    .describe('Folder of discovery that holds global secrets as files.'),
});

export const k8sSchema = z.strictObject({
  inventory: z
    .enum(['closed', 'open'])
    .default('closed')
    .describe('`closed` admits only Secrets that exist; `open` trusts every request, as Flyte does.'),
  namespaces: namespacesSchema,
});

const providerInventory = z
  .enum(['open', 'closed'])
  .default('open')
  .describe(
    '`open` trusts every request, as Flyte does; `closed` admits only names that the provider lists (docs/closed-inventories.md).',
  );
const quantities = fewMembers(
  mostMembers,
  z.record(z.string(), z.union([z.string(), z.number()]).transform(String)),
);
const pullResources = { cpu: '200m', memory: '500Mi' };

/**
 * A manager whose secrets an init container fetches: names and defaults of Flyte's `awsSecretManager`,
 * `gcpSecretManager`, `azureSecretManager`. `resources` given replace the default as a whole.
 */
export function pullManagerConfigSchema<Provider extends z.ZodType>(
  sidecarImage: string,
  provider: Provider,
) {
  return z.strictObject({
    inventory: providerInventory,
    provider,
    sidecarImage: z
      .string()
      .min(1)
      .default(sidecarImage)
      .describe('Image of the init container that fetches the secret.'),
    resources: z
      .partialRecord(z.enum(['requests', 'limits']), quantities)
      .prefault({ requests: pullResources, limits: pullResources })
      .describe('Resources of the init container; a given value replaces the default as a whole.'),
    position: z
      .enum(initContainerPositions)
      .default('first')
      .describe(
        'Place of the init container: `first`, or `afterNativeSidecars`, behind the native sidecars of `gateway.skippedContainers`, where a mesh leaves it no network before (docs/recipes.md).',
      ),
    securityContext: fewMembers(mostMembers, jsonObject)
      .default({})
      .describe('Security context of the init container, for namespaces that enforce a Pod Security level.'),
  });
}

/** Names and defaults of Flyte's `vaultSecretManager`. */
export const vaultSchema = z.strictObject({
  inventory: providerInventory,
  provider: providerSchemas.vault,
  role: z.string().default('flyte').describe("Vault role that Vault's injector logs in with."),
  kvVersion: z
    .union([z.enum(['1', '2']), z.literal([1, 2]).transform((number) => `${number}` as const)])
    .prefault('2')
    .describe('KV engine of a request whose `group_version` is none of `kv1`, `kv2` and `db`.'),
  annotations: fewMembers(mostMembers, z.record(qualifiedName, z.string()))
    .default({})
    .describe(
      "More annotations for Vault's injector; they win over latchkey's own, and annotations of the pod win over both.",
    ),
});
