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
/** Annotation of the CA Secret: {@link caRotationStateSchema} as JSON. */
export const caStateAnnotation = 'latchkey.dev/ca-state';
/** Annotation of the serving Secret: {@link leafRotationStateSchema} as JSON. */
export const leafStateAnnotation = 'latchkey.dev/leaf-state';

/**
 * - `stable`: one CA is trusted, and the leaf is of it.
 * - `distributing`: the next CA exists; the API servers are given both, and time to notice.
 * - `switching`: the next CA has become the issuing one; every endpoint of the Service is to serve the leaf of it.
 * - `retiring`: all do; old connections and the overlap are waited out, then the old CA is trusted no more.
 */
export const rotationPhases = ['stable', 'distributing', 'switching', 'retiring'] as const;

/** A request that was not carried out, and why, for a person. */
const refusalSchema = z.object({
  id: z.string().describe('Id of the request.'),
  reason: z.string().describe('Why it was refused, for a person.'),
});

export const caRotationStateSchema = z.object({
  version: z.literal(1).describe('Version of the state; an unknown one is never overwritten.'),
  phase: z.enum(rotationPhases).describe('Phase of the rotation.'),
  since: z.iso
    .datetime()
    .optional()
    .describe('When the phase began; absent in a state that was written before there were rotations.'),
  rotation: z
    .object({
      id: z.string().describe("Id of the request, or one of cert-manager's own."),
      reason: z
        .string()
        .describe('Why there is a rotation: `requested`, `scheduled`, or what made a new CA necessary.'),
      startedAt: z.iso.datetime().describe('When the rotation began.'),
    })
    .optional()
    .describe('The rotation under way; absent in phase `stable`.'),
  waitingFor: z
    .array(z.string())
    .default([])
    .describe('What the next step waits for: gateway pods by name, or a sentence.'),
  handled: z.string().optional().describe('Id of the last request seen, carried out or refused.'),
  refused: refusalSchema.optional().describe('The request `handled`, if it was refused.'),
});

/** Where the CA stands. A version that is not known is never overwritten. */
export type CaState = z.infer<typeof caRotationStateSchema>;

export const leafRotationStateSchema = z.object({
  version: z.literal(1).describe('Version of the state.'),
  fingerprint: z.string().describe('SHA-256 of the serving certificate (DER), hex, as heartbeats report it.'),
  issuedAt: z.iso.datetime().describe('When the certificate was issued.'),
  served: z
    .boolean()
    .describe(
      'Whether there is an endpoint, and every one that is ready or serving reports this certificate.',
    ),
  waitingFor: z
    .array(z.string())
    .default([])
    .describe('What is waited for until all serve it: gateway pods by name, or a sentence.'),
  handled: z
    .string()
    .optional()
    .describe('Id of the last request seen, carried out (the certificate is younger) or refused.'),
  refused: refusalSchema.optional().describe('The request `handled`, if it was refused.'),
});

/** Where the leaf stands. */
export type LeafState = z.infer<typeof leafRotationStateSchema>;
