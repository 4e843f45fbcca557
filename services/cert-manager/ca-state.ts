import { z } from 'zod';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import type { Secret } from '#shared/kubernetes/kubernetes-object.ts';

/**
 * Where the CA stands, as an annotation of its Secret. `stable` is the only phase so far; the rotation (design.md
 * section 6) adds phases. A state that this version does not know is never overwritten.
 */
const caStateSchema = z.object({ version: z.literal(1), phase: z.enum(['stable']) });

type CaState = z.infer<typeof caStateSchema>;

export const caStateAnnotation = 'latchkey.dev/ca-state';

export const stableState: CaState = { version: 1, phase: 'stable' };

/**
 * Reads the state; a Secret without one is stable (an operator may have brought it).
 * Throws CERTIFICATE_INVALID when a newer latchkey wrote it.
 */
export function readCaState(secret: Secret | undefined): CaState {
  const text = secret?.metadata.annotations?.[caStateAnnotation];
  if (text === undefined) return stableState;
  try {
    return caStateSchema.parse(JSON.parse(text));
  } catch (err) {
    throw new LatchkeyError(
      'CERTIFICATE_INVALID',
      `the annotation ${caStateAnnotation} of Secret ${secret?.metadata.name} is of a version that this latchkey does not know: run the version that wrote it, or remove the annotation`,
      { cause: err },
    );
  }
}
