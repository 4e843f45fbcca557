import type { Logger } from 'pino';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';

/** Counts and logs the failures in a row of each namespace. */
export interface CopySetbacks {
  has(namespace: string): boolean;
  /** Notes a failure; returns how many there were in a row before. */
  failed(namespace: string, err: unknown): number;
  /** Ends the row of failures. */
  succeeded(namespace: string): void;
}

/** Logs the first failure of a kind as a warning and the rest as debug, since an outage may last for days. */
export function createCopySetbacks(log: Logger): CopySetbacks {
  const setbacks = new Map<string, { failures: number; why: string }>();
  return {
    has: (namespace) => setbacks.has(namespace),
    failed: (namespace, err) => {
      const { failures, why: before } = setbacks.get(namespace) ?? { failures: 0 };
      const why = isForeign(err)
        ? 'a Secret that is not ours has the name of a copy: rename or delete it'
        : 'copying the global secrets failed, retrying';
      setbacks.set(namespace, { failures: failures + 1, why });
      log[why === before ? 'debug' : 'warn']({ err, namespace, failures: failures + 1 }, why);
      return failures;
    },
    succeeded: (namespace) => {
      if (setbacks.delete(namespace)) log.info({ namespace }, 'copying the global secrets works again');
    },
  };
}

/** Tells whether a write failed because the Secret belongs to somebody else. */
export const isForeign = (err: unknown): boolean =>
  err instanceof LatchkeyError && err.code === 'KUBERNETES_EXISTS';

/** Names the copies of another installation that keep ours out of a namespace. */
export const foreignCopies = (namespace: string, names: readonly string[]): LatchkeyError =>
  new LatchkeyError(
    'KUBERNETES_EXISTS',
    `${names.join(', ')} in namespace ${namespace} ${names.length === 1 ? 'is a copy' : 'are copies'} of another installation of latchkey: let one of the two not select this namespace`,
  );
