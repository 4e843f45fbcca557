import type { z } from 'zod';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import {
  type CaState,
  caRotationStateSchema,
  caStateAnnotation,
  type LeafState,
  leafRotationStateSchema,
  leafStateAnnotation,
} from '#shared/contracts/kubernetes/rotation-state.ts';
import type { Secret } from '#shared/kubernetes/requests/kubernetes-object.ts';

/** Reads the state of the CA Secret, for a reader; undefined when it has none, or one of an unknown version. */
export const readCaRotationState = (secret: Secret | undefined): CaState | undefined =>
  readState(secret, caStateAnnotation, caRotationStateSchema);

/** Reads the state of the serving Secret; undefined when it has none, or one of an unknown version. */
export const readLeafRotationState = (secret: Secret | undefined): LeafState | undefined =>
  readState(secret, leafStateAnnotation, leafRotationStateSchema);

/**
 * Reads the state of the CA Secret, for its writer. A Secret without a state is stable: an operator may have brought it.
 * @throws CERTIFICATE_INVALID when the state is of an unknown version, which must not be overwritten
 */
export function readWritableCaRotationState(secret: Secret): CaState {
  const { name, annotations } = secret.metadata;
  if (annotations?.[caStateAnnotation] === undefined) return { version: 1, phase: 'stable', waitingFor: [] };
  try {
    return parseState(secret, caStateAnnotation, caRotationStateSchema);
  } catch (err) {
    throw new LatchkeyError(
      'CERTIFICATE_INVALID',
      `the annotation ${caStateAnnotation} of Secret ${name} is of a version that this latchkey does not know: run the version that wrote it, or remove the annotation`,
      { cause: err },
    );
  }
}

function readState<T>(secret: Secret | undefined, annotation: string, schema: z.ZodType<T>): T | undefined {
  try {
    return parseState(secret, annotation, schema);
  } catch {
    return undefined;
  }
}

const parseState = <T>(secret: Secret | undefined, annotation: string, schema: z.ZodType<T>): T =>
  schema.parse(JSON.parse(secret?.metadata.annotations?.[annotation] ?? ''));
