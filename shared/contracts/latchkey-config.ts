import { z } from 'zod';
import { policySchema } from './policy.ts';
import { providerSchemas } from './provider-config.ts';

/**
 * `latchkey.yaml`: one file for all services, mounted from a ConfigMap. Every field has a default, so that an empty
 * file is valid; an unknown field is an error, so that a typing mistake is not silently a default.
 */
const namespaceName = z
  .string()
  .regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, 'is not a Kubernetes namespace name');

/** A name that Kubernetes accepts for a label or an annotation (apimachinery IsQualifiedName). */
const qualifiedName = z
  .string()
  .max(317)
  .regex(
    /^([a-z0-9][-a-z0-9.]*\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/,
    'is not the name of a label or an annotation',
  );

/** The value of a label (apimachinery IsValidLabelValue): it goes into a selector, where `,` and `!` have a meaning. */
const labelValue = z
  .string()
  .regex(/^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/, 'is not the value of a label');
const labelSelector = z.strictObject({
  matchLabels: z.record(qualifiedName, labelValue).default({}),
});

/** Namespaces whose Secrets are watched and into which global secrets are copied: named, or selected by label. */
const namespacesSchema = z
  .union([z.strictObject({ names: z.array(namespaceName) }), z.strictObject({ selector: labelSelector })])
  .default({ selector: { matchLabels: { 'latchkey.dev/secrets': 'enabled' } } });

const globalSchema = z.strictObject({
  /** reference = a copy in the task's namespace and a secretKeyRef; inline = the value in the pod spec. */
  delivery: z.enum(['reference', 'inline']).default('reference'),
  /** Inline: where discovery and the gateways find the keys that values are sealed under (shared/core/key-ring.ts). */
  keyRingDir: z.string().startsWith('/').default('/etc/latchkey/keyring'),
  /** Inline: states that nothing but network policy keeps others than the API server from asking a gateway for values. */
  acceptNetworkPolicyOnly: z.boolean().default(false),
  envPrefix: z.string().default('FLYTE_SECRET_'),
  dir: z.string().startsWith('/').default('/etc/secrets'),
});

const k8sSchema = z.strictObject({
  /** closed = only Secrets that exist; open = trust the request, as Flyte does. */
  inventory: z.enum(['closed', 'open']).default('closed'),
  namespaces: namespacesSchema,
});

/** open = trust the request, as Flyte does; closed = only what the provider, which is asked for names, says exists. */
const providerInventory = z.enum(['open', 'closed']).default('open');
const quantities = z.record(z.string(), z.union([z.string(), z.number()]).transform(String));
const pullResources = { cpu: '200m', memory: '500Mi' };

/**
 * A manager whose secrets an init container fetches: names and defaults of Flyte's `awsSecretManager`,
 * `gcpSecretManager`, `azureSecretManager`. `resources` given replace the default as a whole.
 */
function pullManagerSchema<Provider extends z.ZodType>(sidecarImage: string, provider: Provider) {
  return z.strictObject({
    inventory: providerInventory,
    provider,
    sidecarImage: z.string().min(1).default(sidecarImage),
    resources: z
      .partialRecord(z.enum(['requests', 'limits']), quantities)
      .default({ requests: pullResources, limits: pullResources }),
    /** Of the pull container, for namespaces that enforce a Pod Security level; none by default, as in Flyte. */
    securityContext: z.record(z.string(), z.json()).default({}),
  });
}

/** Names and defaults of Flyte's `vaultSecretManager`. */
const vaultSchema = z.strictObject({
  inventory: providerInventory,
  provider: providerSchemas.vault,
  role: z.string().default('flyte'),
  /** Engine of a request whose group_version is none of kv1, kv2, db. */
  kvVersion: z
    .union([z.enum(['1', '2']), z.literal([1, 2]).transform((number) => `${number}` as const)])
    .default('2'),
  /** More annotations for Vault's injector; they win over latchkey's own, those of the pod over both. */
  annotations: z.record(qualifiedName, z.string()).default({}),
});

const webhookSchema = z.strictObject({
  /** Name of the MutatingWebhookConfiguration object. */
  configurationName: z.string().default('latchkey'),
  /** False leaves creation to GitOps and keeps only the caBundle. */
  manage: z.boolean().default(true),
  /** True takes an entry of Flyte's webhook in that object over and remembers it; false gives it back. */
  adopt: z.boolean().default(false),
  serviceName: z.string().default('flyte-pod-webhook'),
  servicePort: z.int().min(1).max(65535).default(443),
  /** Instead of the Service where there is no Service routing, for example `https://localhost:9443`. */
  url: z.url({ protocol: /^https$/ }).optional(),
  /** PEM file; given, gateways answer only callers with a client certificate of these authorities. */
  clientCa: z.string().startsWith('/').optional(),
  timeoutSeconds: z.int().min(1).max(30).default(5),
  failurePolicy: z.enum(['Fail', 'Ignore']).default('Fail'),
  /** Namespaces the webhook never sees besides kube-system and its own, for example that of the bus. */
  excludedNamespaces: z.array(namespaceName).default([]),
});

/** Waits of a CA rotation; fractions are allowed. */
const rotationSchema = z.strictObject({
  /** Given to the API servers to notice a changed bundle, before a leaf needs it. */
  trustWaitSeconds: z.number().nonnegative().default(60),
  /** Given to connections and mounts of before, counted while every endpoint reports the new leaf. */
  connectionWaitSeconds: z.number().nonnegative().default(120),
  /** The old CA stays trusted at least this long after every endpoint has switched. */
  overlapHours: z.number().nonnegative().default(24),
});

const tlsSchema = z.strictObject({
  /** provided = the serving Secret is somebody else's (cert-manager.io, a company CA): served, watched, never written. */
  issuer: z.enum(['latchkey', 'provided']).default('latchkey'),
  caSecretName: z.string().default('latchkey-ca'),
  servingSecretName: z.string().default('flyte-pod-webhook-secret'),
  caLifetimeDays: z.number().positive().default(365),
  leafLifetimeDays: z.number().positive().default(7),
  keyBits: z.union([z.literal(2048), z.literal(3072), z.literal(4096)]).default(2048),
  /** Fraction of a certificate's life after which it is renewed. */
  renewAt: z.number().gt(0).lt(1).default(0.667),
  rotation: rotationSchema.prefault({}),
});

const gatewaySchema = z.strictObject({
  /** After this the managers that are complete suffice for readiness. */
  readyGraceSeconds: z.number().nonnegative().default(15),
  /** Without a manifest or heartbeat of a manager for this long, a missing secret is `unknown` instead of absent. */
  staleAfterSeconds: z.number().positive().default(15),
});

export const busSchema = z.strictObject({
  /** On how many nats-servers each bucket is stored: 3 needs the cluster of deploy/nats/cluster. */
  replicas: z.union([z.literal(1), z.literal(3)]).default(1),
  /**
   * Most that each of the two buckets stores. Four times this (an upgrade to incompatible records has two more) is to fit
   * `max_file_store` of deploy/nats/nats.conf, and that the volume.
   */
  bucketMiB: z.int().min(8).max(65_536).default(192),
});

/** Complete rules in Secrets, from which a gateway starts while the bus is away (rules-snapshot.ts). */
const snapshotSchema = z.strictObject({
  /** False = discovery writes none, and needs no right on these Secrets. */
  enabled: z.boolean().default(true),
  /** Shortest time between two writes, and longest until one that was damaged is repaired. */
  intervalSeconds: z.number().min(1).default(30),
});

/** How much a tenant, or whoever has a resolver's login, may make every process hold. */
const limitsSchema = z.strictObject({
  /** A Kubernetes Secret with more keys is left out; a hundred times what people have in one. */
  keysPerSecret: z.int().min(1).max(100_000).default(1_000),
  /**
   * Names and keys of the Secrets of one namespace, as rules on the bus; what comes when that is full is left out. 1 MiB is
   * 3,000 Secrets of five keys.
   */
  namespaceKiB: z.int().min(16).max(1_048_576).default(1_024),
  /**
   * Records of one manager that a gateway, resolver or discovery reads: with more its last complete rules stay in force.
   * 32 MiB is 100,000 Secrets.
   */
  managerMiB: z.int().min(1).max(65_536).default(32),
});

const managerName = z.string().regex(/^[a-z0-9][-a-z0-9]*$/, 'is not a manager name');

export const latchkeyConfigSchema = z.strictObject({
  /** Managers in the order in which they are asked. */
  chain: z.array(managerName).min(1).default(['global', 'k8s']),
  /** Managers of the operator's own: name -> path of the recipe file, from the folder of latchkey.yaml. */
  custom: z.record(managerName, z.string().min(1)).default({}),
  global: globalSchema.prefault({}),
  k8s: k8sSchema.prefault({}),
  aws: pullManagerSchema(
    'docker.io/amazon/aws-secrets-manager-secret-sidecar:v0.1.4',
    providerSchemas.aws,
  ).prefault({}),
  gcp: pullManagerSchema('gcr.io/google.com/cloudsdktool/cloud-sdk:alpine', providerSchemas.gcp).prefault({}),
  azure: pullManagerSchema('mcr.microsoft.com/azure-cli:cbl-mariner2.0', providerSchemas.azure).prefault({}),
  vault: vaultSchema.prefault({}),
  policy: policySchema.prefault({}),
  webhook: webhookSchema.prefault({}),
  tls: tlsSchema.prefault({}),
  gateway: gatewaySchema.prefault({}),
  snapshot: snapshotSchema.prefault({}),
  limits: limitsSchema.prefault({}),
  bus: busSchema.prefault({}),
});

export type LatchkeyConfig = z.infer<typeof latchkeyConfigSchema>;
export type PullManagerConfig = Omit<LatchkeyConfig['aws' | 'gcp' | 'azure'], 'provider'>;
