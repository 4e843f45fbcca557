import { X509Certificate } from 'node:crypto';
import type { Logger } from 'pino';
import type { LatchkeyConfig } from '#shared/contracts/latchkey-config.ts';
import type { CaState } from '#shared/contracts/rotation-state.ts';
import { readPairSecret } from '#shared/installation/tls-secret.ts';
import type { Kubernetes } from '#shared/kubernetes/connect-kubernetes.ts';
import type { Secret } from '#shared/kubernetes/kubernetes-object.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import type { ServedCertificates } from './observe/served-certificates.ts';
import type { UndoneRepair, WebhookRepairs } from './observe/webhook-repairs.ts';

/** How the certificates stood when they were looked at last. */
export interface Standing {
  /** Undefined with a provided certificate, which has no CA of ours. */
  phase: CaState['phase'] | undefined;
  /** Endpoints that do not serve the current leaf, by name, or a sentence. */
  notServing: readonly string[];
  /** Why the webhook configuration is left as it is, or undefined. */
  unmanagedReason: string | undefined;
  /** Whether the API server calls the gateways. */
  called: boolean;
  /** What is wrong with a certificate that others provide, one sentence each. */
  problems: readonly string[];
  /** Why only an operator can write a Secret of ours, one sentence each. */
  unwritable: readonly string[];
  /** Repairs of the webhook configuration that somebody undoes. */
  undone: readonly UndoneRepair[];
  /** When they expire, ms since the Unix epoch; undefined where there is none. */
  expiresMs: { ca: number | undefined; leaf: number | undefined };
}

/** Keeps certificates in order, and says how they stand. */
export interface CertificateKeeper {
  /** Does what can be done now; returns when to look again though nothing is heard, ms; undefined: at the next tick. */
  run(): Promise<number | undefined>;
  standing(): Standing | undefined;
}

export interface KeeperOptions {
  kubernetes: Kubernetes;
  config: LatchkeyConfig;
  namespace: string;
  served: ServedCertificates;
  repairs: WebhookRepairs;
  log: Logger;
  clock: Clock;
}

/** The earlier of two times to look again, ms; undefined: at the next tick. */
export const earlierMs = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);

/** When the certificate in a Secret expires, ms since the Unix epoch. */
export function expiryMsOf(secret: Secret | undefined): number | undefined {
  if (secret === undefined) return undefined;
  try {
    return Date.parse(new X509Certificate(readPairSecret(secret).pair.certificate).validTo);
  } catch {
    return undefined;
  }
}
