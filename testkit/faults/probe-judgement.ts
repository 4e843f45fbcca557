import type { PodAnswer } from '#testkit/installation/create-pod.ts';
import type { SecretTimeline } from './secret-timeline.ts';

/** Something that is broken on purpose, from `sinceMs` until everything has converged again. */
export interface Disturbance {
  what: string;
  sinceMs: number;
  /** There is no API server for a while: what it does not answer, or refuses by itself, is not counted. */
  apiServerAway?: boolean;
  /** Requests are trusted for a while (`k8s.inventory: open`): whatever is asked for may be admitted. */
  trusting?: boolean;
}

/** One pod sent through the API server, and what is true about the secret that it asks for. */
export interface Probe {
  timeline: SecretTimeline;
  key: string;
  /** When the pod was sent and answered, ms of the timeline's clock. */
  sentMs: number;
  answeredMs: number;
  /** Code 0 = there was none, because there is no API server. */
  answer: PodAnswer;
  /** The references `secret/key` that were injected; none when denied. */
  injected: readonly string[];
  expectedReference: RegExp;
}

/** Bounds how old the state of its Secret may be that an answer fits, ms. */
const boundMs = 2_000;

/**
 * Why an answer is wrong, or undefined. Undisturbed it fits a state of its Secret within the last 2 s. While disturbed,
 * a secret that was known before goes on being injected; one may be called missing for as long as the gateways count
 * what they know as fresh, and is 503 from then on; 503 is never an answer about a secret that was there all the time.
 */
export function wrongness(
  probe: Probe,
  disturbance: Disturbance | undefined,
  staleAfterMs: number,
): string | undefined {
  const { answer } = probe;
  const disturbedMs = disturbance === undefined ? 0 : Math.max(0, probe.sentMs - disturbance.sinceMs);
  if (answer.admitted) return wrongAdmission(probe, disturbance?.trusting ? Infinity : disturbedMs + boundMs);
  if (!answer.message.startsWith('admission webhook')) return wrongSilence(answer, disturbance);
  const absentMs = Math.round(probe.timeline.lagMs({ ...probe, found: false }));
  if (answer.code === 404) {
    return absentMs > Math.min(disturbedMs, staleAfterMs) + boundMs
      ? `not found, though it has been there for ${absentMs} ms`
      : undefined;
  }
  const isExplained = answer.code === 503 && disturbance !== undefined && absentMs <= disturbedMs + boundMs;
  return isExplained ? undefined : `${answer.code}: ${answer.message}`;
}

function wrongAdmission(probe: Probe, allowedMs: number): string | undefined {
  const { injected, expectedReference } = probe;
  if (!injected.some((reference) => expectedReference.test(reference))) {
    return `admitted with ${JSON.stringify(injected)}, which is not what was asked for`;
  }
  const lagMs = Math.round(probe.timeline.lagMs({ ...probe, found: true }));
  return lagMs > allowedMs ? `admitted, though it has not been there for ${lagMs} ms` : undefined;
}

/** An answer that is not the gateway's is excused only while the API server itself is away. */
function wrongSilence(
  { code, message }: { code: number; message: string },
  disturbance: Disturbance | undefined,
): string | undefined {
  const isOwn = disturbance?.apiServerAway === true && !message.includes('failed calling webhook');
  return isOwn ? undefined : `${code}, not by a gateway: ${message}`;
}
