import { z } from 'zod';
import { withNodeLimit } from '#shared/contracts/shapes/check-shape.ts';
import { fewMembers, managerName } from '#shared/contracts/shapes/config-values.ts';
import { globalSchema, k8sSchema, pullManagerConfigSchema, vaultSchema } from './manager-config.ts';
import { policySchema } from './policy.ts';
import { providerSchemas } from './provider-config.ts';
import { tlsSchema, webhookConfigSchema } from './webhook-config.ts';

/**
 * Containers that other webhooks add, by names that these products reserve (Istio, Linkerd, Kuma, Consul, Vault, Dapr, Azure
 * Workload Identity). A name that people give themselves, such as `envoy`, is none: its task would miss its secrets.
 */
const foreignContainers = [
  'istio-proxy',
  'istio-init',
  'istio-validation',
  'linkerd-proxy',
  'linkerd-init',
  'linkerd-network-validator',
  'kuma-sidecar',
  'kuma-init',
  'kuma-validation',
  'consul-dataplane',
  'consul-connect-inject-init',
  'vault-agent',
  'vault-agent-init',
  'daprd',
  'azwi-proxy',
  'azwi-proxy-init',
];

const mostSkippedContainers = 200;

/** More share one bus connection and one listening port than any machine of today needs. */
const mostWorkers = 64;

const gatewaySchema = z.strictObject({
  workers: z
    .union([z.int().min(1).max(mostWorkers), z.literal('auto')])
    .default(1)
    .describe(
      'Processes of a gateway that decide; with 1 the gateway is one process, `auto` takes as many as the container has whole cores, and memory for (docs/runbook.md, "More load than the gateways can take").',
    ),
  readyGraceSeconds: z
    .number()
    .nonnegative()
    .default(15)
    .describe('After this time a gateway is ready with the managers that are complete.'),
  staleAfterSeconds: z
    .number()
    .positive()
    .default(15)
    .describe(
      'Without a heartbeat of a manager for this time, a missing secret is answered with 503 instead of 404.',
    ),
  skippedContainers: z
    .array(z.string().min(1).max(63))
    .max(mostSkippedContainers)
    .default(foreignContainers)
    .describe(
      'Containers that get no secrets, for meshes and agents add them; annotation `latchkey.dev/skip-containers` of a pod names more (docs/flyte-compatibility.md).',
    ),
});

export const busSchema = z.strictObject({
  replicas: z
    .union([z.literal(1), z.literal(3)])
    .default(1)
    .describe(
      'On how many NATS servers each bucket is stored; 3 needs deploy/nats/cluster (docs/runbook.md, "Three NATS servers").',
    ),
  bucketMiB: z
    .int()
    .min(8)
    .max(65_536)
    .default(192)
    .describe(
      'Most that each of the two buckets stores, and 4,096 records for each MiB of it; four times this must fit `max_file_store` of deploy/nats/nats.conf.',
    ),
});

/** Complete rules in Secrets, from which a gateway starts while the bus is away (rules-snapshot.ts). */
const snapshotSchema = z.strictObject({
  enabled: z
    .boolean()
    .default(true)
    .describe('Lets discovery write the snapshot; with `false` it needs no right on these Secrets.'),
  intervalSeconds: z
    .number()
    .min(1)
    .default(30)
    .describe('Shortest time between two writes, and longest time until a damaged snapshot is repaired.'),
});

/** A rule has an item for each key, and readers take no more (rule-entry.ts). */
export const mostKeysPerSecret = 20_000;

/** How much a tenant, or whoever has a resolver's login, may make every process hold. */
const limitsSchema = z.strictObject({
  keysPerSecret: z
    .int()
    .min(1)
    .max(mostKeysPerSecret)
    .default(1_000)
    .describe('A Kubernetes Secret with more keys is left out.'),
  namespaceKiB: z
    .int()
    .min(16)
    .max(1_048_576)
    .default(1_280)
    .describe(
      'Most that the Secrets of one namespace are charged, 300 bytes each, and for each key 24 bytes and both names; Secrets beyond it are left out (1,280 KiB holds 2,000 Secrets of five keys).',
    ),
  managerMiB: z
    .int()
    .min(1)
    .max(65_536)
    .default(40)
    .describe(
      'Most that a process reads of one manager; beyond it the last complete rules stay in force (40 MiB holds 90,000 Secrets of one key, or 60,000 of five; a gateway takes up to five times this for each manager of the chain).',
    ),
});

/** Of a chain, and of the operator's own managers. */
const mostManagers = 100;
/** Most values in latchkey.yaml: a policy of 500 rules, each of ten groups and ten namespaces, has 12,000. */
const mostNodes = 20_000;

/**
 * `latchkey.yaml`: one file for all services, mounted from a ConfigMap. Every field has a default, so that an empty
 * file is valid; an unknown field is an error, so that a typing mistake is not silently a default.
 * The descriptions are the text of docs/configuration.md and of deploy/latchkey.schema.json: `npm run pages` writes both.
 */
const latchkeySchema = z
  .strictObject({
    chain: z
      .array(managerName)
      .min(1)
      .max(mostManagers)
      .default(['global', 'k8s'])
      .describe('Managers in the order in which they are asked; the first that has the secret injects it.'),
    custom: fewMembers(mostManagers, z.record(managerName, z.string().min(1)))
      .default({})
      .describe(
        'Managers of your own: name and path of the recipe file, relative to the folder of latchkey.yaml (docs/recipes.md).',
      ),
    global: globalSchema.prefault({}).describe('Secrets of the installation, given to discovery.'),
    k8s: k8sSchema.prefault({}).describe("Kubernetes Secrets of the task's namespace."),
    aws: pullManagerConfigSchema(
      'docker.io/amazon/aws-secrets-manager-secret-sidecar:v0.1.4',
      providerSchemas.aws,
    )
      .prefault({})
      .describe('AWS Secrets Manager.'),
    gcp: pullManagerConfigSchema('gcr.io/google.com/cloudsdktool/cloud-sdk:alpine', providerSchemas.gcp)
      .prefault({})
      .describe('GCP Secret Manager.'),
    azure: pullManagerConfigSchema('mcr.microsoft.com/azure-cli:cbl-mariner2.0', providerSchemas.azure)
      .prefault({})
      .describe('Azure Key Vault.'),
    vault: vaultSchema.prefault({}).describe('HashiCorp Vault through its agent injector.'),
    policy: policySchema.prefault({}).describe('Who may use which secrets (docs/policy.md).'),
    webhook: webhookConfigSchema
      .prefault({})
      .describe('The webhook configuration that the API server reads.'),
    tls: tlsSchema.prefault({}).describe('Certificates of the webhook.'),
    gateway: gatewaySchema.prefault({}).describe('When a gateway is ready, and when its rules are stale.'),
    snapshot: snapshotSchema
      .prefault({})
      .describe('Snapshot of the rules in Secrets, from which gateways start while NATS is away.'),
    limits: limitsSchema
      .prefault({})
      .describe(
        'How much one tenant may make every process hold (docs/runbook.md, "Something is left out").',
      ),
    bus: busSchema.prefault({}).describe('The buckets on NATS.'),
  })
  .meta({ title: 'latchkey.yaml', description: 'Configuration of all latchkey services.' });

export const latchkeyConfigSchema = withNodeLimit(mostNodes, latchkeySchema);

export type LatchkeyConfig = z.infer<typeof latchkeyConfigSchema>;
export type PullManagerConfig = Omit<LatchkeyConfig['aws' | 'gcp' | 'azure'], 'provider'>;
