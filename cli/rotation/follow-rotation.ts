import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import type { Secret } from '#shared/kubernetes/requests/kubernetes-object.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import {
  type Followed,
  followOn,
  type RotationStatus,
  rotationStatus,
  type Target,
} from './rotation-status.ts';

/** Says how the following ended. */
export type FollowEnd =
  | Exclude<RotationStatus, { outcome: 'underWay' }>
  | { outcome: 'timedOut' | 'interrupted' };

const pollIntervalMs = 1_000;

/**
 * Polls the Secret once a second until the rotation has ended, the time is over, or somebody interrupts. It waits for
 * an API server that is away.
 * @throws KUBERNETES_REFUSED when the API server forbids the read
 */
export async function followRotation(options: {
  readSecret: () => Promise<Secret | undefined>;
  target: Target;
  followed: Followed;
  timeoutMs: number;
  interrupted: AbortSignal;
  onStatus: (status: Extract<RotationStatus, { outcome: 'underWay' }>) => void;
  clock: Clock;
}): Promise<FollowEnd> {
  const { target, timeoutMs, interrupted, clock } = options;
  let { followed } = options;
  const endMs = clock.monotonicMs() + timeoutMs;
  for (;;) {
    const status = await options
      .readSecret()
      .then((secret) => rotationStatus(target, secret, followed), unread);
    if (status.outcome !== 'underWay') return status;
    followed = followOn(target, followed, status);
    options.onStatus(status);
    const restMs = endMs - clock.monotonicMs();
    if (restMs <= 0) return { outcome: 'timedOut' };
    await clock.sleep(Math.min(restMs, pollIntervalMs), interrupted);
    if (interrupted.aborted) return { outcome: 'interrupted' };
  }
}

const forbidden = [401, 403];

function unread(err: unknown): RotationStatus {
  if (!(err instanceof LatchkeyError) || forbidden.includes(Number(err.fields.statusCode))) throw err;
  return { outcome: 'underWay', phase: 'unknown', waitingFor: [`the API server: ${err.message}`] };
}
