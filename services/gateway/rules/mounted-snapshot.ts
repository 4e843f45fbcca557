import type { Logger } from 'pino';
import { mostSnapshotBytes, type RulesSnapshot, readSnapshot } from '#shared/bus/snapshot/snapshot-format.ts';
import type { LatchkeyConfig } from '#shared/contracts/config/latchkey-config.ts';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import { readFolder } from '#shared/runtime/file-watch.ts';

/** Times of reading an inconsistent snapshot again, ms: the kubelet may swap the volume between two files. */
const tornAgainMs = 500;
const tornMostMs = 3_000;

interface MountedSnapshotOptions {
  config: Pick<LatchkeyConfig, 'chain' | 'limits'>;
  clock: Pick<Clock, 'sleep'>;
  log: Logger;
}

/**
 * Reads the mounted snapshot of the rules, once at the start: from then on the gateway's memory is at least as new. An
 * inconsistent one is read again for up to 3 s. Gives undefined when there is none that can be used; the log says why.
 */
export async function readMountedSnapshot(
  folder: string,
  { config, clock, log }: MountedSnapshotOptions,
): Promise<RulesSnapshot | undefined> {
  try {
    const found = await readUntornSnapshot(folder, mostSnapshotBytes(config), clock);
    if ('records' in found) return found;
    if (found.state === 'missing') log.info({ folder }, 'no snapshot of the rules is mounted');
    else throw unusable(folder, `it is ${found.state}: ${found.problem}`);
  } catch (err) {
    log.error({ err, folder }, 'the mounted snapshot of the rules cannot be used');
  }
  return undefined;
}

async function readUntornSnapshot(folder: string, mostBytes: number, clock: MountedSnapshotOptions['clock']) {
  for (let waitedMs = 0; ; waitedMs += tornAgainMs) {
    const found = await readSnapshot(await readFolder(folder), mostBytes);
    if ('records' in found || found.state !== 'torn' || waitedMs >= tornMostMs) return found;
    await clock.sleep(tornAgainMs);
  }
}

const unusable = (folder: string, why: string): LatchkeyError =>
  new LatchkeyError(
    'SNAPSHOT_UNUSABLE',
    `the snapshot of the rules in ${folder} cannot be used, ${why}. Discovery repairs it; without the bus this gateway knows nothing`,
    { fields: { folder } },
  );
