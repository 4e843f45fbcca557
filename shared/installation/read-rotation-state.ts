import type { z } from 'zod';
import {
  type CaState,
  caRotationStateSchema,
  caStateAnnotation,
  type LeafState,
  leafRotationStateSchema,
  leafStateAnnotation,
  rotateAnnotation,
} from '#shared/contracts/kubernetes/rotation-state.ts';
import { member } from '#shared/core/text/json-object.ts';
import type { Secret } from '#shared/kubernetes/requests/kubernetes-object.ts';

/** Reads the state of the CA Secret, for a reader; undefined when it has none, or one of an unknown version. */
export const readCaRotationState = (secret: Secret | undefined): CaState | undefined =>
  readState(secret, caStateAnnotation, caRotationStateSchema);

/** Reads the state of the serving Secret; undefined when it has none, or one of an unknown version. */
export const readLeafRotationState = (secret: Secret | undefined): LeafState | undefined =>
  readState(secret, leafStateAnnotation, leafRotationStateSchema);

/**
 * Reads the state of the CA Secret, for its writer. A Secret without a state is stable: an operator may have brought it.
 * One of an unknown version may be anywhere in a rotation: `switching` is the phase in which nothing is taken back.
 */
export const readWritableCaRotationState = (secret: Secret): CaState =>
  readCaRotationState(secret) ?? {
    version: 1,
    phase: unknownStateProblem(secret) === undefined ? 'stable' : 'switching',
    waitingFor: [],
  };

/**
 * Says that the state of the CA Secret is of an unknown version, which must not be overwritten. A text that is no state
 * of any version counts as none.
 */
export function unknownStateProblem(secret: Secret | undefined): string | undefined {
  if (secret === undefined || readCaRotationState(secret) !== undefined) return undefined;
  const { name } = secret.metadata;
  return hasVersion(secret.metadata.annotations?.[caStateAnnotation] ?? '')
    ? `the annotation ${caStateAnnotation} of Secret ${name} is of a version that this latchkey does not know: run the version that wrote it, or remove the annotation`
    : undefined;
}

function hasVersion(text: string): boolean {
  try {
    return member(JSON.parse(text), 'version') !== undefined;
  } catch {
    return false;
  }
}

/** Longest id of a request, as the contract says: the state repeats it, in an object that has a maximum size. */
const mostIdCharacters = 63;

/** Returns the id of the request on a Secret, if any. */
export const requestOf = ({ metadata }: Secret): string | undefined =>
  metadata.annotations?.[rotateAnnotation]?.slice(0, mostIdCharacters);

function readState<T>(secret: Secret | undefined, annotation: string, schema: z.ZodType<T>): T | undefined {
  try {
    return parseState(secret, annotation, schema);
  } catch {
    return undefined;
  }
}

const parseState = <T>(secret: Secret | undefined, annotation: string, schema: z.ZodType<T>): T =>
  schema.parse(JSON.parse(secret?.metadata.annotations?.[annotation] ?? ''));
