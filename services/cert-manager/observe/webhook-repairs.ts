import type { Logger } from 'pino';
import { fieldWriter } from '#shared/installation/field-writer.ts';
import { webhookAdoptionAnnotation, withoutStoredEntry } from '#shared/installation/webhook-adoption.ts';
import type { MutatingWebhookConfiguration } from '#shared/kubernetes/objects/webhook-configurations.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import { createRepairPace, promptRepairs } from '#shared/runtime/repair-pace.ts';

/** Describes a repair that another writer undoes: how often in a row, and by whom, where Kubernetes tells. */
export interface UndoneRepair {
  field: string;
  count: number;
  writer: string | undefined;
}

/** Paces the repairs of the webhook configuration: one that is undone repeatedly is made ever more rarely. */
export interface WebhookRepairs {
  /**
   * Returns the fields that are left for now.
   * @param bundle ids of the CAs to trust; another bundle starts the count again
   */
  deferred(bundle: readonly string[]): ReadonlySet<string>;
  /** Returns how long until a deferred field may be written, ms; undefined when none is deferred. */
  restMs(): number | undefined;
  /** Records a repair of these fields, and the object before it. */
  repaired(
    fields: readonly string[],
    bundle: readonly string[],
    found: MutatingWebhookConfiguration | undefined,
  ): void;
  undone(): UndoneRepair[];
  /** Remembers that the API server does not take back the adopted entry of an object. */
  notRestored(found: MutatingWebhookConfiguration): void;
  /** Returns the object as repairs are planned on it: without an entry that is not taken back. */
  planned(found: MutatingWebhookConfiguration | undefined): MutatingWebhookConfiguration | undefined;
}

const adoptedIn = (found: MutatingWebhookConfiguration | undefined): string | undefined =>
  found?.metadata.annotations?.[webhookAdoptionAnnotation];

const bounds = { firstMs: 5_000, longestMs: 300_000 };
const bundleField = 'webhooks.clientConfig.caBundle';

export function createWebhookRepairs(clock: Pick<Clock, 'monotonicMs'>, log: Logger): WebhookRepairs {
  const pace = createRepairPace(bounds, clock);
  const writers = new Map<string, string | undefined>();
  const targets = new Map<string, string>();
  let lost: string | undefined;
  const targetOf = (field: string, bundle: readonly string[]): string =>
    field === bundleField ? bundle.join() : '';
  const waitMs = (field: string): number => pace.waitMs(field, targets.get(field));

  return {
    deferred: (bundle) =>
      new Set([...targets.keys()].filter((field) => pace.waitMs(field, targetOf(field, bundle)) > 0)),
    restMs: () => {
      const waits = [...targets.keys()].map(waitMs).filter((wait) => wait > 0);
      return waits.length === 0 ? undefined : Math.min(...waits);
    },
    repaired: (fields, bundle, found) => {
      for (const field of fields) {
        const target = targetOf(field, bundle);
        targets.set(field, target);
        const writer = fieldWriter(found, field);
        writers.set(field, writer);
        if (pace.repaired(field, target) !== promptRepairs) continue;
        log.warn({ field, writer }, 'webhook repair undone repeatedly, repeating it more rarely');
      }
    },
    undone: () => pace.undone().map(({ what, count }) => ({ field: what, count, writer: writers.get(what) })),
    notRestored: (found) => {
      lost = adoptedIn(found);
    },
    planned: (found) =>
      found !== undefined && lost !== undefined && adoptedIn(found) === lost
        ? withoutStoredEntry(found)
        : found,
  };
}
