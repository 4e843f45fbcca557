import { randomBytes } from 'node:crypto';

/** A new key of the ring: 32 random bytes as base64. */
export const newKey = (): string => randomBytes(32).toString('base64');

/** The Secret that discovery and the gateways mount, with one key, which seals. */
export const keyRingSecret = (kid: string) => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: {
    name: 'latchkey-keyring',
    namespace: 'latchkey',
    labels: { 'app.kubernetes.io/part-of': 'latchkey' },
  },
  stringData: { [kid]: newKey(), current: kid },
});
