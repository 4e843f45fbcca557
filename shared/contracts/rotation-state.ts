import { z } from 'zod';

/**
 * How a rotation of certificates is asked for and where it stands: annotations of the CA Secret and the serving Secret.
 * The command line only writes `latchkey.dev/rotate` and reads the states; cert-manager writes the states and is the
 * only one that acts. Producers: `latchkey rotate` (request), cert-manager (states). Consumers: cert-manager (request),
 * `latchkey rotate --wait` and `latchkey status` (states). Nothing here is a secret.
 */

/**
 * Annotation of a request: on the CA Secret it asks for a new CA, on the serving Secret for a new leaf. Its value is an
 * id that whoever asks makes up, 1 to 63 characters; a request is new when its id is not the state's `handled`.
 */
export const rotateAnnotation = 'latchkey.dev/rotate';
/** Annotation of the CA Secret: {@link caStateSchema} as JSON. */
export const caStateAnnotation = 'latchkey.dev/ca-state';
/** Annotation of the serving Secret: {@link leafStateSchema} as JSON. */
export const leafStateAnnotation = 'latchkey.dev/leaf-state';

/**
 * - `stable`: one CA is trusted, and the leaf is of it.
 * - `distributing`: the next CA exists; the API servers are given both, and time to notice.
 * - `switching`: the next CA has become the issuing one; every endpoint of the Service is to serve the leaf of it.
 * - `retiring`: all do; old connections and the overlap are waited out, then the old CA is trusted no more.
 */
export const rotationPhases = ['stable', 'distributing', 'switching', 'retiring'] as const;

/** A request that was not carried out, and why, for a person. */
const refusalSchema = z.object({ id: z.string(), reason: z.string() });

export const caStateSchema = z.object({
  version: z.literal(1),
  phase: z.enum(rotationPhases),
  /** When the phase began; absent in a state that was written before there were rotations. */
  since: z.iso.datetime().optional(),
  /** In every phase but `stable`. `id` is the request's, or one of cert-manager's own. */
  rotation: z
    .object({
      id: z.string(),
      /** For a person: `requested`, `scheduled`, or what made a new CA necessary. */
      reason: z.string(),
      startedAt: z.iso.datetime(),
    })
    .optional(),
  /** What the next step waits for: pods of the gateway by name, or a sentence. */
  waitingFor: z.array(z.string()).default([]),
  /** The last request that was seen; it was carried out or refused. */
  handled: z.string().optional(),
  /** Why the request `handled` was not carried out. */
  refused: refusalSchema.optional(),
});

/** Where the CA stands. A version that is not known is never overwritten. */
export type CaState = z.infer<typeof caStateSchema>;

export const leafStateSchema = z.object({
  version: z.literal(1),
  /** SHA-256 of the leaf's DER bytes, hex, as heartbeats report it. */
  fingerprint: z.string(),
  issuedAt: z.iso.datetime(),
  /** Whether every endpoint of the Service that is ready or serving reports this leaf, and there is one. */
  served: z.boolean(),
  /** What is waited for until all serve it: pods of the gateway by name, or a sentence. */
  waitingFor: z.array(z.string()).default([]),
  /** The last request that was seen; it was carried out (this leaf is younger) or refused. */
  handled: z.string().optional(),
  /** Why the request `handled` was not carried out. */
  refused: refusalSchema.optional(),
});

/** Where the leaf stands. */
export type LeafState = z.infer<typeof leafStateSchema>;
