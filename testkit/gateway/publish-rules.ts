import { createPublisher, type Publisher } from '#shared/bus/publish/publisher.ts';
import { rulesBucket as bucket, formatKey } from '#shared/contracts/bus/bucket.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import { createSliceMeter, type SlicedWork, workInTurns } from '#shared/runtime/turn-queue.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import type { RulesLoop } from './pack-rules.ts';

/** Publishes as many rules as a resolver may have, and waits until they are stored. */
export async function publishRules(
  { bus, mostBytes, log }: RulesLoop,
  { publishes, entries, clock }: { publishes: string; entries: number; clock: Clock },
): Promise<Publisher> {
  const publisher = createPublisher(bus, {
    ...{ bucket, owner: publishes, mostBytes, log, clock },
    onSuperseded: (err) => log.error({ err }, 'superseded'),
  });
  function* puts(): SlicedWork {
    const isFull = createSliceMeter();
    for (let at = 0; at < entries; at += 1) {
      if (isFull(0)) yield;
      const [namespace, secret] = [`team-${at % 200}`, `database-credentials-${at}`];
      const items = { [`${secret}/password`]: {}, [`${secret}/username`]: {} };
      publisher.put(formatKey({ owner: publishes, kind: 'entry', namespace, secret }), { schema: 1, items });
    }
  }
  await workInTurns(puts());
  publisher.complete();
  const isStored = () => publisher.published() !== undefined && publisher.pendingMs() === 0;
  await waitFor(isStored, { timeoutMs: 300_000, intervalMs: 2, what: 'the rules to be stored' });
  return publisher;
}
