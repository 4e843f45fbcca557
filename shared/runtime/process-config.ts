import { z } from 'zod';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { describeIssues } from './config-issue.ts';
import { logLevels } from './log.ts';

const port = (fallback: number) => z.coerce.number().int().min(0).max(65_535).default(fallback);

/** Process matters, by environment variable. What all services share in meaning stands in latchkey.yaml. */
const processEnvironmentSchema = z.object({
  LATCHKEY_CONFIG: z.string().startsWith('/').default('/etc/latchkey/config/latchkey.yaml'),
  NATS_URL: z
    .string()
    // It is logged: a login in it would be too.
    .regex(
      /^(nats|tls):\/\/[^@]*$/,
      'is not a nats:// or tls:// URL without a login (NATS_CREDENTIALS holds that)',
    )
    .default('nats://latchkey-nats:4222'),
  NATS_CREDENTIALS: z.string().startsWith('/').optional(),
  HEALTH_PORT: port(9090),
  WEBHOOK_PORT: port(9443),
  TLS_DIR: z.string().startsWith('/').default('/etc/latchkey/tls'),
  SNAPSHOT_DIR: z.string().startsWith('/').default('/etc/latchkey/snapshot'),
  POD_NAME: z.string().min(1).default('local'),
  POD_NAMESPACE: z.string().min(1).default('latchkey'),
  POD_UID: z.string().min(1).default('local'),
  LOG_LEVEL: z.enum(logLevels).default('info'),
  KUBECONFIG: z.string().startsWith('/').optional(),
  OTEL_EXPORTER_OTLP_ENDPOINT: z.url({ protocol: /^https?$/ }).optional(),
});

/** Names of the variables that the services read; the Compose test holds the file against it. */
export const processVariables = Object.keys(processEnvironmentSchema.shape);

export type ProcessConfig = Readonly<z.infer<typeof processEnvironmentSchema>>;

/**
 * Parses the environment. An empty variable counts as absent, as Kubernetes and Compose write them.
 * @throws LatchkeyError CONFIG_INVALID that names every wrong variable at once.
 */
export function parseProcessConfig(environment: Record<string, string | undefined>): ProcessConfig {
  const present = Object.fromEntries(Object.entries(environment).filter(([, value]) => value));
  const parsed = processEnvironmentSchema.safeParse(present);
  if (parsed.success) return Object.freeze(parsed.data);
  throw new LatchkeyError('CONFIG_INVALID', describeIssues('the environment', parsed.error.issues));
}
