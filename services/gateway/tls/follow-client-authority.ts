import { X509Certificate } from 'node:crypto';
import type { Logger } from 'pino';
import { pemCertificates } from '#shared/certificates/pem-certificates.ts';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import { type FileContents, readFiles, watchFiles } from '#shared/runtime/file-watch.ts';

const pollIntervalMs = 1_000;

/** Follows the CAs whose client certificates are accepted, PEM, in the file `webhook.clientCa`. */
interface ClientAuthority {
  /** @throws CONFIG_INVALID when the file holds no certificate: any caller would be answered without one */
  start(): Promise<void>;
  stop(): void;
}

/** Follows the file; when it holds no certificates, that is logged and those in use stay. */
export function followClientAuthority(options: {
  path: string;
  clock: Clock;
  log: Logger;
  onAuthority: (pem: string) => void;
}): ClientAuthority {
  const { path, clock, onAuthority } = options;
  const log = options.log.child({ component: 'client-authority' });
  let stopWatch = (): void => undefined;
  const onChange = (contents: FileContents): void => {
    try {
      onAuthority(parseAuthority(contents.get(path), path));
      log.info({ path }, 'authorities of client certificates loaded');
    } catch (err) {
      log.error({ err, path }, 'authorities of client certificates not usable, those in use stay');
    }
  };
  return {
    start: async () => {
      const initial = await readFiles([path]);
      onAuthority(parseAuthority(initial.get(path), path));
      stopWatch = watchFiles({ paths: [path], initial, intervalMs: pollIntervalMs, clock, onChange });
    },
    stop: () => stopWatch(),
  };
}

/** Checks that the file holds certificates: with none, Node would accept those of every public authority. */
export function parseAuthority(content: Buffer | undefined, path: string): string {
  const certificates = pemCertificates(content?.toString('utf8') ?? '');
  try {
    for (const certificate of certificates) new X509Certificate(certificate);
  } catch (cause) {
    throw refusal(path, 'holds a certificate that cannot be read', cause);
  }
  if (certificates.length === 0) throw refusal(path, 'holds no certificate');
  return certificates.join('\n');
}

const refusal = (path: string, what: string, cause?: unknown): LatchkeyError =>
  new LatchkeyError(
    'CONFIG_INVALID',
    `webhook.clientCa: ${path} ${what}: mount the authority of the API server's client certificate there, as PEM.`,
    { cause },
  );
