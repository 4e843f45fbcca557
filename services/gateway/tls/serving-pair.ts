import type { Logger } from 'pino';
import type { Clock } from '#shared/runtime/clock.ts';
import { type FileContents, watchFiles } from '#shared/runtime/file-watch.ts';
import { type CertificatePair, pairPaths, parsePair, readPairFiles } from './certificate-pair.ts';

const pollIntervalMs = 1_000;
/** How soon a pair that was refused for its time is looked at again, ms: the node's clock may have been put right. */
const reconsiderIntervalMs = 60_000;

/** The pair in use, followed from the mounted Secret. */
export interface ServingPair {
  start(): Promise<void>;
  stop(): void;
  /** Undefined until a valid pair was seen, and again once it has expired. */
  current(): CertificatePair | undefined;
}

/** Follows the mounted pair; a torn or bad one keeps the old one in use and says so. */
export function createServingPair(options: {
  dir: string;
  clock: Clock;
  log: Logger;
  /** Puts it in use; a pair that it throws for is refused. */
  onPair: (pair: CertificatePair) => void;
  /** A pair is in use that was not before. */
  onServing?: () => void;
}): ServingPair {
  const { dir, clock } = options;
  const log = options.log.child({ component: 'serving-pair' });
  let current: CertificatePair | undefined;
  let stopWatch = (): void => undefined;
  let latest: FileContents = new Map();
  const consider = (contents: FileContents): void => {
    latest = contents;
    try {
      const pair = parsePair(contents, dir, clock.now());
      options.onPair(pair);
      current = pair;
      log.info({ fingerprint: pair.fingerprint, notAfterMs: pair.notAfterMs }, 'serving certificate loaded');
      options.onServing?.();
    } catch (err) {
      log.warn({ err, servingStill: current?.fingerprint }, 'serving certificate not usable');
    }
  };
  const usable = (): CertificatePair | undefined =>
    current !== undefined && current.notAfterMs > clock.now() ? current : undefined;
  return {
    start: async () => {
      const initial = await readPairFiles(dir);
      consider(initial);
      const stopFiles = watchFiles({
        paths: Object.values(pairPaths(dir)),
        initial,
        intervalMs: pollIntervalMs,
        clock,
        onChange: consider,
      });
      const stopTick = clock.every(reconsiderIntervalMs, () => {
        if (usable() === undefined) consider(latest);
      });
      stopWatch = () => {
        stopFiles();
        stopTick();
      };
    },
    stop: () => stopWatch(),
    current: usable,
  };
}
