import { X509Certificate } from 'node:crypto';
import type { Logger } from 'pino';
import { pemCertificates } from '#shared/certificates/pem-certificates.ts';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import { type FileContents, readFiles, watchFiles } from '#shared/runtime/file-watch.ts';

/** Follows the CAs whose client certificates are accepted, PEM, in the file `webhook.clientCa`. */
interface ClientCa {
  /** @throws CONFIG_INVALID when the file holds no certificate: any caller would be answered without one */
  start(): Promise<void>;
  stop(): void;
}

/** Follows the file; when it holds no certificates, that is logged and those in use stay. */
export function followClientCa(options: {
  path: string;
  clock: Clock;
  log: Logger;
  onClientCa: (pem: string) => void;
}): ClientCa {
  const { path, clock, onClientCa } = options;
  const log = options.log.child({ component: 'client-ca' });
  let stopWatch = (): void => undefined;
  const onChange = (contents: FileContents): void => {
    try {
      onClientCa(parseClientCa(contents.get(path), path));
      log.info({ path }, 'client CA loaded');
    } catch (err) {
      log.error({ err, path }, 'client CA not usable, the one in use stays');
    }
  };
  return {
    start: async () => {
      const initial = await readFiles([path]);
      onClientCa(parseClientCa(initial.get(path), path));
      stopWatch = watchFiles({ paths: [path], initial, clock, onChange });
    },
    stop: () => stopWatch(),
  };
}

/** Checks that the file holds certificates: with none, Node would accept those of every public CA. */
export function parseClientCa(content: Buffer | undefined, path: string): string {
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
    `webhook.clientCa: ${path} ${what}: mount the CA of the API server's client certificate there, as PEM.`,
    { cause },
  );
