import type { Logger } from 'pino';
import { type RulesSnapshot, readSnapshot } from '#shared/bus/snapshot/snapshot-format.ts';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import { readFolder } from '#shared/runtime/file-watch.ts';

/** A kubelet that swaps the volume between two files makes a torn one out of two whole ones: it is read again. */
const tornAgainMs = 500;
const tornMostMs = 3_000;

interface MountedSnapshotOptions {
  clock: Pick<Clock, 'sleep'>;
  log: Logger;
}

/**
 * Reads the mounted snapshot of the rules at the start: from then on the gateway's memory is at least as new. A torn one
 * is read again for up to 3 s. Undefined when there is none that can be used; the log says which.
 */
export async function readMountedSnapshot(
  folder: string,
  { clock, log }: MountedSnapshotOptions,
): Promise<RulesSnapshot | undefined> {
  try {
    const found = await readUntornSnapshot(folder, clock);
    if ('records' in found) return found;
    if (found.state === 'missing') log.info({ folder }, 'no snapshot of the rules is mounted');
    else throw unusable(folder, `it is ${found.state}: ${found.problem}`);
  } catch (err) {
    log.error({ err, folder }, 'the mounted snapshot of the rules cannot be used');
  }
  return undefined;
}

async function readUntornSnapshot(folder: string, clock: MountedSnapshotOptions['clock']) {
  for (let waitedMs = 0; ; waitedMs += tornAgainMs) {
    const found = readSnapshot(await readFolder(folder));
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
