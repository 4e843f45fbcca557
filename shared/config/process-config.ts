import { z } from 'zod';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { absolutePath, httpUrl } from '#shared/contracts/shapes/config-values.ts';
import { logLevels } from '#shared/runtime/log.ts';
import { traceSamplers } from '#shared/runtime/trace-sampling.ts';
import { describeConfigIssues } from './config-issue.ts';

const port = (fallback: number) =>
  z.coerce.number().int().min(0).max(65_535).meta({ title: 'port' }).default(fallback);

/** Process matters, by environment variable. What all services share in meaning stands in latchkey.yaml. */
export const processEnvironmentSchema = z.object({
  LATCHKEY_CONFIG: absolutePath
    .default('/etc/latchkey/config/latchkey.yaml')
    .describe('Path of latchkey.yaml, read by every service.'),
  NATS_URL: z
    .string()
    // It is logged: a login in it would be too.
    .regex(
      /^(nats|tls):\/\/[^@]*$/,
      'is not a nats:// or tls:// URL without a login (NATS_CREDENTIALS holds that)',
    )
    .meta({ title: 'nats or tls URL without a login' })
    .default('nats://latchkey-nats:4222')
    .describe(
      'Address of NATS, or several separated by commas, read by every service; with one of `tls://` none is talked to without TLS.',
    ),
  NATS_CREDENTIALS: absolutePath
    .optional()
    .describe(
      'Folder with the login to NATS: `<user>.creds`, `<user>.nk`, or `username` and `password` (docs/install.md), read by every service.',
    ),
  HEALTH_PORT: port(9090).describe('Port of `/livez`, `/readyz` and `/metrics` of every service.'),
  WEBHOOK_PORT: port(9443).describe('Port on which the gateway answers the API server.'),
  TLS_DIR: absolutePath
    .default('/etc/latchkey/tls')
    .describe('Folder with `tls.crt` and `tls.key` of the gateway.'),
  SNAPSHOT_DIR: absolutePath
    .default('/etc/latchkey/snapshot')
    .describe('Folder where the gateway finds the snapshot of the rules.'),
  POD_NAME: z
    .string()
    .min(1)
    .default('local')
    .describe('Name of the pod: in traces and metrics, on the connection to NATS and in the Lease.'),
  POD_NAMESPACE: z
    .string()
    .min(1)
    .default('latchkey')
    .describe('Namespace of the installation; commands of `latchkey` read it too.'),
  POD_UID: z
    .string()
    .min(1)
    .default('local')
    .describe('UID of the pod, which tells heartbeats and holders of a Lease apart.'),
  LOG_LEVEL: z.enum(logLevels).default('info').describe('Least severe level that is logged.'),
  KUBECONFIG: absolutePath
    .optional()
    .describe(
      'Kubeconfig of cert-manager and discovery, and of commands of `latchkey`; without it services use the ServiceAccount of the pod.',
    ),
  OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl
    .optional()
    .describe('Base URL of an OTLP/HTTP receiver of traces; without it none are sent.'),
  OTEL_TRACES_SAMPLER: z
    .enum(traceSamplers)
    .default('parentbased_traceidratio')
    .describe(
      'Which traces are sent, as the OpenTelemetry specification has it: of one that begins here the share `OTEL_TRACES_SAMPLER_ARG`; of one that a caller began, as the caller decided.',
    ),
  OTEL_TRACES_SAMPLER_ARG: z.coerce
    .number()
    .min(0)
    .max(1)
    .meta({ title: 'number 0 to 1' })
    .default(0.01)
    .describe('Share of the traces for the samplers by ratio; 1 sends all.'),
});

/** Names of the variables that the services read; the Compose test holds the file against it. */
export const processVariables = Object.keys(processEnvironmentSchema.shape);

export type ProcessConfig = Readonly<z.infer<typeof processEnvironmentSchema>>;

/**
 * Parses the environment. An empty variable counts as absent, as Kubernetes and Compose write them.
 * @throws CONFIG_INVALID when it is wrong, with every wrong variable at once
 */
export function parseProcessConfig(environment: Record<string, string | undefined>): ProcessConfig {
  const present = Object.fromEntries(Object.entries(environment).filter(([, value]) => value));
  const parsed = processEnvironmentSchema.safeParse(present);
  if (parsed.success) return Object.freeze(parsed.data);
  throw new LatchkeyError('CONFIG_INVALID', describeConfigIssues('the environment', parsed.error.issues));
}
