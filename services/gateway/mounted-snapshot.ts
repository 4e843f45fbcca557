import type { Logger } from 'pino';
import { type RulesSnapshot, readSnapshot } from '#shared/bus/rules-snapshot.ts';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { readFolder } from '#shared/runtime/file-watch.ts';

/**
 * Reads the mounted snapshot of the rules, once: from then on the gateway's memory is at least as new. Undefined when
 * there is none that can be used; the log says which.
 */
export async function readMountedSnapshot(folder: string, log: Logger): Promise<RulesSnapshot | undefined> {
  try {
    const found = readSnapshot(await readFolder(folder));
    if ('records' in found) return found;
    if (found.state === 'missing') log.info({ folder }, 'no snapshot of the rules is mounted');
    else throw unusable(folder, `it is ${found.state}: ${found.problem}`);
  } catch (err) {
    log.error({ err, folder }, 'the mounted snapshot of the rules cannot be used');
  }
  return undefined;
}

const unusable = (folder: string, why: string): LatchkeyError =>
  new LatchkeyError(
    'SNAPSHOT_UNUSABLE',
    `the snapshot of the rules in ${folder} cannot be used, ${why}. Discovery repairs it; without the bus this gateway knows nothing`,
    { fields: { folder } },
  );
