import { type BackoffBounds, backoffMs } from '#shared/runtime/backoff.ts';

/**
 * What failures in a row have come to. `closed`: attempts go on, with growing pauses. `open`: no attempt until a longer
 * pause is over. `half-open`: the one attempt after it, which closes the circuit or opens it again.
 */
export type Circuit = { state: 'closed' | 'open' | 'half-open'; failures: number };

/** Failures in a row that open the circuit. */
export const tolerance = 5;
const closedPause: BackoffBounds = { firstMs: 1_000, longestMs: 15_000 };
const openPause: BackoffBounds = { firstMs: 30_000, longestMs: 300_000 };

export const closedCircuit: Circuit = { state: 'closed', failures: 0 };

/** The circuit when an attempt begins, which the pause before is over for. */
export function beforeAttempt(circuit: Circuit): Circuit {
  return circuit.state === 'open' ? { ...circuit, state: 'half-open' } : circuit;
}

/**
 * The circuit after a failed attempt, and the pause before the next one.
 * @param random a number in [0, 1): the pause is that share between half and the whole of its length
 */
export function afterFailure(
  { failures }: Circuit,
  random: number = Math.random(),
): { circuit: Circuit; pauseMs: number } {
  const inRow = failures + 1;
  if (inRow < tolerance) {
    return {
      circuit: { state: 'closed', failures: inRow },
      pauseMs: backoffMs(closedPause, inRow - 1, random),
    };
  }
  return {
    circuit: { state: 'open', failures: inRow },
    pauseMs: backoffMs(openPause, inRow - tolerance, random),
  };
}
