import type { Logger } from 'pino';
import type { LatchkeyConfig } from '#shared/contracts/config/latchkey-config.ts';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { planOwner } from '#shared/installation/owner-reader.ts';
import { repairedFields } from '#shared/installation/webhook-configuration.ts';
import { patchWebhookConfiguration } from '#shared/kubernetes/objects/webhook-configurations.ts';
import type { Kubernetes } from '#shared/kubernetes/requests/connect-kubernetes.ts';
import { backoffMs } from '#shared/runtime/backoff.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import type { ObservedState } from '../observe/observe.ts';
import type { WebhookRepairs } from '../observe/webhook-repairs.ts';

/** Gives the webhook configuration its owner, apart from every repair: an API server may refuse that alone. */
export interface OwnerWriter {
  /** Writes the owner where it is missing; a refusal is logged, and holds nothing up. */
  write(observed: Pick<ObservedState, 'webhook' | 'owner'>): Promise<void>;
  /** Returns how long until a refused write is repeated, ms; undefined when none is. */
  restMs(): number | undefined;
}

interface OwnerWriterOptions {
  kubernetes: Kubernetes;
  config: LatchkeyConfig;
  repairs: Pick<WebhookRepairs, 'deferred' | 'repaired'>;
  log: Logger;
  clock: Pick<Clock, 'monotonicMs'>;
}

/** Describes the failures in a row. */
interface Failures {
  count: number;
  isLogged: boolean;
  nextAtMs: number;
}

const bounds = { firstMs: 5_000, longestMs: 300_000 };

/** Creates the writer. Uses (patch) of mutatingwebhookconfigurations. */
export function createOwnerWriter(options: OwnerWriterOptions): OwnerWriter {
  const { kubernetes, config, repairs, log, clock } = options;
  let failures: Failures | undefined;
  const waitMs = (): number => Math.max(0, (failures?.nextAtMs ?? 0) - clock.monotonicMs());
  return {
    write: async ({ webhook, owner }) => {
      const operations = webhook === undefined ? [] : planOwner(webhook, owner, config.webhook);
      if (webhook === undefined || operations.length === 0) {
        failures = undefined;
        return;
      }
      const fields = repairedFields(operations);
      const deferred = repairs.deferred([]);
      if (waitMs() > 0 || fields.some((field) => deferred.has(field))) return;
      const { name } = webhook.metadata;
      try {
        await patchWebhookConfiguration(kubernetes, name, operations);
        failures = undefined;
        log.info({ name, fields }, 'webhook configuration repaired');
        repairs.repaired(fields, [], webhook);
      } catch (err) {
        failures = noteFailure(failures, err, name, { log, nowMs: clock.monotonicMs() });
      }
    },
    restMs: () => (waitMs() > 0 ? waitMs() : undefined),
  };
}

/** Logs the first failure of a row, a conflict from the second on: one alone is a race that another writer won. */
function noteFailure(
  before: Failures | undefined,
  err: unknown,
  name: string,
  { log, nowMs }: { log: Logger; nowMs: number },
): Failures {
  if (!(err instanceof LatchkeyError)) throw err;
  const count = (before?.count ?? 0) + 1;
  const isRace = count === 1 && ['KUBERNETES_CONFLICT', 'KUBERNETES_NOT_FOUND'].includes(err.code);
  const wasLogged = before?.isLogged ?? false;
  if (!wasLogged && !isRace) {
    log.warn({ err, name }, 'owner of the webhook configuration refused, going on without it');
  }
  return { count, isLogged: wasLogged || !isRace, nextAtMs: nowMs + backoffMs(bounds, count - 1) };
}
