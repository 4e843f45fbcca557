import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { rotateAnnotation } from '#shared/contracts/kubernetes/rotation-state.ts';
import { annotateSecret } from '#shared/kubernetes/objects/secrets.ts';
import type { Secret } from '#shared/kubernetes/requests/kubernetes-object.ts';
import type { Installation } from '../installation.ts';
import { type Followed, rotationUnderWay, type Target } from './rotation-status.ts';

/** Holds the rotation to follow, and whether it was started here. */
export interface Requested {
  followed: Followed;
  isOurs: boolean;
}

/** Bounds the attempts: cert-manager writes the same Secret, at times every other second. */
const mostTries = 10;

/**
 * Requests a rotation under the id, unless one is under way. Uses (get, patch) of secrets.
 * @throws KUBERNETES_NOT_FOUND when there is no such Secret
 */
export async function requestRotation(
  { kubernetes, namespace }: Installation,
  options: { target: Target; name: string; id: string; readSecret: () => Promise<Secret | undefined> },
): Promise<Requested> {
  const { target, name, id } = options;
  for (let tries = 1; ; tries += 1) {
    const secret = await options.readSecret();
    if (secret === undefined) {
      throw new LatchkeyError(
        'KUBERNETES_NOT_FOUND',
        `there is no Secret ${name} in namespace ${namespace}: cert-manager or latchkey init-certs creates it; check --namespace`,
      );
    }
    const underWay = rotationUnderWay(target, secret);
    if (underWay !== undefined) return { followed: underWay, isOurs: false };
    try {
      await annotateSecret(kubernetes, secret.metadata, { [rotateAnnotation]: id });
      return { followed: { id, requested: true }, isOurs: true };
    } catch (err) {
      const isRace = err instanceof LatchkeyError && err.code === 'KUBERNETES_CONFLICT';
      if (!isRace || tries === mostTries) throw err;
    }
  }
}
