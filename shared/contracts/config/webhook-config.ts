import { z } from 'zod';
import {
  absolutePath,
  httpsUrl,
  mostNamedNamespaces,
  namespaceName,
} from '#shared/contracts/shapes/config-values.ts';

/** Sections `webhook` and `tls` of latchkey.yaml. */
export const webhookConfigSchema = z.strictObject({
  configurationName: z
    .string()
    .optional()
    .describe(
      'Name of the MutatingWebhookConfiguration object; without it `0-latchkey`, which API servers call before all others, or `latchkey` where only that exists (docs/upgrading.md).',
    ),
  manage: z
    .boolean()
    .default(true)
    .describe(
      'Lets cert-manager create and repair the object; `false` leaves all but its `caBundle` to GitOps.',
    ),
  adopt: z
    .boolean()
    .default(false)
    .describe(
      "`true` takes over an entry of Flyte's own webhook in that object and remembers it; `false` gives it back (docs/migration.md).",
    ),
  serviceName: z
    .string()
    .default('flyte-pod-webhook')
    .describe('Service that the API server calls and the serving certificate names.'),
  servicePort: z.int().min(1).max(65535).default(443).describe('Port of that Service.'),
  url: httpsUrl
    .optional()
    .describe('URL that the API server calls instead of the Service, where Services are not routed.'),
  clientCa: absolutePath
    .optional()
    .describe(
      'PEM file of the CAs whose client certificates gateways require of callers; restart gateways to change it.',
    ),
  timeoutSeconds: z.int().min(1).max(30).default(5).describe('How long the API server waits for an answer.'),
  failurePolicy: z
    .enum(['Fail', 'Ignore'])
    .default('Fail')
    .describe(
      'What the API server does with a pod when no gateway answers: refuse it or admit it unchanged.',
    ),
  excludedNamespaces: z
    .array(namespaceName)
    .max(mostNamedNamespaces)
    .default([])
    .describe("Namespaces the webhook never sees, besides kube-system and latchkey's own."),
});

/** Waits of a CA rotation; fractions are allowed. */
const rotationSchema = z.strictObject({
  trustWaitSeconds: z
    .number()
    .nonnegative()
    .default(60)
    .describe('How long API servers get to notice a changed bundle before a certificate needs it.'),
  connectionWaitSeconds: z
    .number()
    .nonnegative()
    .default(120)
    .describe(
      'How long every endpoint must report the new certificate before connections and mounts of the old one count as gone.',
    ),
  overlapHours: z
    .number()
    .nonnegative()
    .default(24)
    .describe('How long the old CA stays trusted at least after every endpoint serves the new certificate.'),
});

export const tlsSchema = z.strictObject({
  issuer: z
    .enum(['latchkey', 'provided'])
    .default('latchkey')
    .describe(
      '`latchkey` issues and rotates the certificates; `provided` serves and watches a Secret of yours and never writes it.',
    ),
  caSecretName: z.string().default('latchkey-ca').describe('Secret of the CA.'),
  servingSecretName: z
    .string()
    .default('flyte-pod-webhook-secret')
    .describe('Secret of the serving certificate, which gateways mount.'),
  caLifetimeDays: z.number().positive().default(365).describe('Lifetime of a CA.'),
  leafLifetimeDays: z.number().positive().default(7).describe('Lifetime of a serving certificate.'),
  keyBits: z
    .union([z.literal(2048), z.literal(3072), z.literal(4096)])
    .default(2048)
    .describe('Length of the RSA keys.'),
  renewAt: z
    .number()
    .gt(0)
    .lt(1)
    .default(0.667)
    .describe("Fraction of a certificate's lifetime after which it is renewed."),
  rotation: rotationSchema
    .prefault({})
    .describe('Waits of a CA rotation (docs/runbook.md says what happens when).'),
});
