import type { Server } from 'node:https';
import type { ServingCertificate } from '../tls/serving-certificate.ts';

/**
 * Allows forward secrecy and authenticated encryption only: a key that is renewed each week must not open what was
 * recorded before. Go's API server offers all of them first (crypto/tls defaultCipherSuites).
 */
export const protocols = {
  minVersion: 'TLSv1.2',
  ciphers: [
    'TLS_AES_128_GCM_SHA256',
    'TLS_AES_256_GCM_SHA384',
    'TLS_CHACHA20_POLY1305_SHA256',
    ...['ECDSA', 'RSA'].flatMap((key) =>
      ['AES128-GCM-SHA256', 'AES256-GCM-SHA384', 'CHACHA20-POLY1305'].map((suite) => `ECDHE-${key}-${suite}`),
    ),
  ].join(':'),
} as const;

/** A certificate and its key, PEM. */
type ServedPair = Pick<ServingCertificate, 'certificate' | 'key'>;

/** Changes what the next handshakes show and whom they accept; live connections keep what they have. */
export interface SecureContext {
  /** Serves this certificate. */
  use(certificate: ServedPair): void;
  /** Accepts client certificates of these CAs (PEM). */
  trust(clientCa: string): void;
}

/** Sets a server's context once all of its parts are known, and again whenever one changes. */
export function createSecureContext(
  server: Pick<Server, 'setSecureContext'>,
  requestsClientCertificate: boolean,
): SecureContext {
  let certificate: ServedPair | undefined;
  let clientCa: string | undefined;
  const apply = (): void => {
    if (certificate === undefined || (requestsClientCertificate && clientCa === undefined)) return;
    const ca = clientCa === undefined ? {} : { ca: clientCa };
    server.setSecureContext({ cert: certificate.certificate, key: certificate.key, ...protocols, ...ca });
  };
  return {
    use: (next) => {
      certificate = next;
      apply();
    },
    trust: (next) => {
      clientCa = next;
      apply();
    },
  };
}
