import { X509Certificate } from 'node:crypto';
import type { Logger } from 'pino';
import { certificateDates } from '#shared/certificates/certificate-dates.ts';
import type { LatchkeyConfig } from '#shared/contracts/config/latchkey-config.ts';
import type { CaState } from '#shared/contracts/kubernetes/rotation-state.ts';
import { readTlsSecret } from '#shared/installation/tls-secret.ts';
import type { Kubernetes } from '#shared/kubernetes/requests/connect-kubernetes.ts';
import type { Secret } from '#shared/kubernetes/requests/kubernetes-object.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import type { ServedCertificates } from './observe/served-certificates.ts';
import type { UndoneRepair, WebhookRepairs } from './observe/webhook-repairs.ts';

/** Reports the certificates and the webhook configuration as last observed. */
export interface CertificateStatus {
  /** Undefined with a provided certificate, which has no CA of ours. */
  phase: CaState['phase'] | undefined;
  /** The endpoints that do not serve the current leaf, by name, or a sentence. */
  notServing: readonly string[];
  /** Why the webhook configuration is left as it is, or undefined. */
  unmanagedReason: string | undefined;
  /** Whether the API server calls the gateways. */
  isCalled: boolean;
  /** The problems of what others write, one sentence each. */
  problems: readonly string[];
  /** Why only an operator can write a Secret of ours, one sentence each. */
  unwritable: readonly string[];
  /** How often in a row the API server has refused each write that the rest can do without. */
  refused: readonly { write: string; count: number }[];
  /** The repairs of the webhook configuration that another writer undoes. */
  undone: readonly UndoneRepair[];
  /** When they expire, ms since the Unix epoch; undefined where there is none. */
  expiresMs: { ca: number | undefined; leaf: number | undefined };
}

/** Keeps the webhook configuration, and the Secrets as far as they are ours, up to date. */
export interface CertificateSource {
  /** Observes and acts until nothing is left to do; returns when to observe again, ms; undefined: at the next tick. */
  reconcile(): Promise<number | undefined>;
  status(): CertificateStatus | undefined;
}

export interface SourceOptions {
  kubernetes: Kubernetes;
  config: LatchkeyConfig;
  namespace: string;
  served: ServedCertificates;
  repairs: WebhookRepairs;
  log: Logger;
  clock: Clock;
}

/** Returns the earlier of two times to observe again, ms; undefined: at the next tick. */
export const earlierMs = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);

/** Returns when the certificate in a Secret expires, ms since the Unix epoch; undefined where there is none. */
export function expiryMsOf(secret: Secret | undefined): number | undefined {
  if (secret === undefined) return undefined;
  try {
    return certificateDates(new X509Certificate(readTlsSecret(secret).pair.certificate))?.validToMs;
  } catch {
    return undefined;
  }
}
