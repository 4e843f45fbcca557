import type { LatchkeyConfig } from '#shared/contracts/config/latchkey-config.ts';
import type { Service } from './lifecycle.ts';

/** Adds to a service its readiness, and what it does about a changed latchkey.yaml. */
export interface ReadyService extends Service {
  /** Says why the service is not ready, one sentence each. */
  notReady(): readonly string[];
  /** Says what is missing although the service may be ready, one sentence each; shown by `/readyz`. */
  remarks?(): readonly string[];
  /** Adds to the metrics of this process those of others that it speaks for. */
  joinMetrics?(own: string): Promise<string>;
  /** Takes a changed configuration into use; a service without this is ended, to be started again with it. */
  reconfigure?(config: LatchkeyConfig): void;
  /** Selects the part of the configuration that the service uses, by default all: a change of the rest does not end it. */
  concern?(config: LatchkeyConfig): unknown;
}
