import type { Bus } from '#shared/bus/link/bus.ts';
import { createPublisher, type Publisher } from '#shared/bus/publish/publisher.ts';
import type { SetVersion } from '#shared/bus/records/freshness.ts';
import { inventoryBucket } from '#shared/contracts/bus/bucket.ts';
import { exitCode } from '#shared/runtime/exit-code.ts';
import type { LeaderContext } from '#shared/service/leader-elected-service.ts';
import type { OnSelect, Source } from './source.ts';

/** Adds the selection of namespaces to a source; absent where the source does not depend on it. */
interface SelectiveSource extends Source {
  select?: OnSelect;
}

/** Runs the sources of inventory, each with a publisher of its own. */
export interface SourceSet {
  start(name: string, create: (publisher: Publisher) => SelectiveSource): void;
  select: OnSelect;
  /** Returns for how long a source has been cut off, or a change of one has waited to be stored, ms: the longest. */
  ageMs(): number;
  published(): SetVersion[];
  /** Names the sources that have published nothing complete yet. */
  missing(): string[];
  stop(): Promise<void>;
}

export function createSourceSet(
  {
    config,
    log,
    clock,
    end,
    isLeading,
  }: Pick<LeaderContext, 'config' | 'log' | 'clock' | 'end' | 'isLeading'>,
  bus: Bus,
): SourceSet {
  const sources: { name: string; publisher: Publisher; source: SelectiveSource }[] = [];
  return {
    start: (name, create) => {
      const publisher = createPublisher(bus, {
        bucket: inventoryBucket,
        owner: name,
        mostBytes: config.limits.managerMiB * 1_024 * 1_024,
        log,
        clock,
        // A process that was paused before its claim must not take the prefix from its successor.
        mayClaim: isLeading,
        onSuperseded: () => end(exitCode.superseded, `a newer discovery publishes ${name}`),
      });
      sources.push({ name, publisher, source: create(publisher) });
    },
    select: (namespaces, changed) => {
      for (const { source } of sources) source.select?.(namespaces, changed);
    },
    ageMs: () =>
      Math.max(
        0,
        ...sources.map(({ source, publisher }) => Math.max(source.interruptedMs(), publisher.pendingMs())),
      ),
    published: () => sources.flatMap(({ publisher }) => publisher.published() ?? []),
    missing: () =>
      sources.flatMap(({ name, publisher }) => (publisher.published() === undefined ? [name] : [])),
    stop: async () => {
      for (const { source, publisher } of sources) {
        await source.stop();
        await publisher.stop();
      }
    },
  };
}
