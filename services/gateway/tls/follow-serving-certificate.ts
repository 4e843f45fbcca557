import type { Logger } from 'pino';
import type { Clock } from '#shared/runtime/clock.ts';
import { type FileContents, watchFiles } from '#shared/runtime/file-watch.ts';
import {
  certificatePaths,
  parseServingCertificate,
  readCertificateFiles,
  type ServingCertificate,
} from './serving-certificate.ts';

/** Interval after which a certificate refused for its time is checked again, ms: the node's clock may be right by then. */
const reconsiderIntervalMs = 60_000;

/** The serving certificate in use. */
export interface FollowedCertificate {
  start(): Promise<void>;
  stop(): void;
  /** Gives the certificate; undefined until a valid one was mounted, and again once it has expired. */
  current(): ServingCertificate | undefined;
}

/** Follows the mounted TLS Secret; a certificate that cannot be served is logged, and the one before it stays in use. */
export function followServingCertificate(options: {
  dir: string;
  clock: Clock;
  log: Logger;
  /** Serves a certificate; one that it throws for is refused. */
  onCertificate: (certificate: ServingCertificate) => void;
  /** Called when a certificate is in use that was not before. */
  onServing?: () => void;
}): FollowedCertificate {
  const { dir, clock } = options;
  const log = options.log.child({ component: 'serving-certificate' });
  let current: ServingCertificate | undefined;
  let stopWatch = (): void => undefined;
  let latest: FileContents = new Map();
  const consider = (contents: FileContents): void => {
    latest = contents;
    try {
      const certificate = parseServingCertificate(contents, dir, clock.now());
      const { fingerprint, notAfterMs } = certificate;
      options.onCertificate(certificate);
      current = certificate;
      log.info({ fingerprint, notAfterMs }, 'serving certificate loaded');
      options.onServing?.();
    } catch (err) {
      log.warn({ err, servingStill: current?.fingerprint }, 'serving certificate not usable');
    }
  };
  const usable = (): ServingCertificate | undefined =>
    current !== undefined && current.notAfterMs > clock.now() ? current : undefined;
  return {
    start: async () => {
      const initial = await readCertificateFiles(dir);
      consider(initial);
      const stopFiles = watchFiles({
        paths: Object.values(certificatePaths(dir)),
        initial,
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
