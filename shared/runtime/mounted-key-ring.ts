import type { Logger } from 'pino';
import { emptyKeyRing, type KeyRing, parseKeyRing } from '#shared/core/rules/index/key-ring.ts';
import type { Clock } from './clock.ts';
import { type FileContents, readFolder, watchFolder } from './file-watch.ts';

/** The key ring of a mounted folder, followed while it runs. */
export interface MountedKeyRing {
  start(): Promise<void>;
  stop(): void;
  /** Empty while no valid one was seen. */
  current(): KeyRing;
}

/** Follows the folder; a ring that cannot be read keeps the one in use and says so. Key ids are logged, keys never. */
export function followKeyRing(options: {
  folder: string;
  clock: Clock;
  log: Logger;
  onChange?: () => void;
}): MountedKeyRing {
  const { folder, clock } = options;
  const log = options.log.child({ component: 'key-ring' });
  let current = emptyKeyRing;
  let stopWatch = (): void => undefined;
  const consider = (contents: FileContents): void => {
    try {
      current = parseKeyRing(contents);
      log.info({ folder, kids: [...current.keys.keys()], current: current.sealingKid }, 'key ring loaded');
      options.onChange?.();
    } catch (err) {
      log.error({ err, folder, stillInUse: [...current.keys.keys()] }, 'key ring not usable');
    }
  };
  return {
    start: async () => {
      const initial = await readFolder(folder).catch((err: unknown) => {
        log.error({ err, folder }, 'key ring not readable');
        return new Map<string, Buffer>();
      });
      consider(initial);
      stopWatch = watchFolder({ folder, initial, clock, onChange: consider });
    },
    stop: () => stopWatch(),
    current: () => current,
  };
}
