import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { quote } from './plain-text.ts';

const requestPrefix = 'flyte.secrets/s';
/** More secrets than this in one pod is a mistake, and bounds the work. */
const mostSecrets = 256;

/**
 * Finds the annotations that ask for a secret: `flyte.secrets/s<number>`, in numeric order.
 * Another key with that prefix is somebody else's: Flyte would drop all injection, we leave it and warn.
 * @throws LatchkeyError TOO_MANY_SECRETS
 */
export function findSecretAnnotations(annotations: Readonly<Record<string, string>>): {
  requests: { annotation: string; value: string }[];
  warnings: string[];
} {
  const numbered: { annotation: string; value: string; number: bigint }[] = [];
  const warnings: string[] = [];
  for (const [annotation, value] of Object.entries(annotations)) {
    if (!annotation.startsWith(requestPrefix)) continue;
    const digits = annotation.slice(requestPrefix.length);
    if (/^[0-9]{1,63}$/.test(digits)) numbered.push({ annotation, value, number: BigInt(digits) });
    else warnings.push(`annotation ${quote(annotation)} is not a secret request: no number after the s`);
  }
  if (numbered.length > mostSecrets) {
    throw new LatchkeyError(
      'TOO_MANY_SECRETS',
      `the pod asks for ${numbered.length} secrets; at most ${mostSecrets} are served. Ask for fewer, or put several keys into one file.`,
    );
  }
  // `s1` and `s01` are the same number: their order must not depend on that in the pod.
  numbered.sort((a, b) => Number(a.number - b.number) || (a.annotation < b.annotation ? -1 : 1));
  return {
    requests: numbered.map(({ annotation, value }) => ({ annotation, value })),
    warnings: warnings.sort(),
  };
}
