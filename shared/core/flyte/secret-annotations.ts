import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import type { Warnings } from '#shared/core/bounds/warnings.ts';
import type { WorkBudget } from '#shared/core/bounds/work-budget.ts';
import { quote } from '#shared/core/text/plain-text.ts';

const requestPrefix = 'flyte.secrets/s';
/** Bounds the secrets of one pod: more is a mistake, and too much work. */
const mostSecrets = 256;
/** Bounds the text of all requests of a pod. Kubernetes takes 256 KiB of annotations (apimachinery, TotalAnnotationSizeLimitB). */
const mostRequestCharacters = 512 * 1_024;

interface Found {
  annotation: string;
  value: string;
}

/** Tells whether the annotation of this name asks for a secret. */
export const isSecretAnnotation = (name: string): boolean =>
  name.startsWith(requestPrefix) && hasNumber(name);

const numberAtEnd = new RegExp(`^.{${requestPrefix.length}}[0-9]{1,63}$`);

/** @param name begins with the prefix */
const hasNumber = (name: string): boolean => numberAtEnd.test(name);

/**
 * Finds the annotations that ask for a secret: `flyte.secrets/s<number>`, in numeric order.
 * Another key with that prefix is somebody else's: Flyte would drop all injection, we leave it and warn.
 * @throws TOO_MANY_SECRETS, POD_TOO_LARGE when there are more than are served
 */
export function findSecretAnnotations(
  annotations: Readonly<Record<string, string>>,
  { budget, warnings }: { budget: WorkBudget; warnings: Warnings },
): Found[] {
  const found: Found[] = [];
  const odd: string[] = [];
  for (const [annotation, value] of Object.entries(annotations)) {
    budget.spend(2);
    if (!annotation.startsWith(requestPrefix)) continue;
    budget.spend(8);
    if (hasNumber(annotation)) found.push({ annotation, value });
    else odd.push(annotation);
  }
  budget.spend(2 * odd.length * Math.ceil(Math.log2(1 + odd.length)));
  for (const annotation of odd.sort()) {
    warnings.add(() => `annotation ${quote(annotation)} is not a secret request: no number after the s`);
  }
  checkAmount(found);
  return inOrder(found);
}

function checkAmount(found: readonly Found[]): void {
  if (found.length > mostSecrets) {
    throw new LatchkeyError(
      'TOO_MANY_SECRETS',
      `the pod asks for ${found.length} secrets; at most ${mostSecrets} are served. Ask for fewer, or put several keys into one file.`,
    );
  }
  const characters = found.reduce((sum, { value }) => sum + value.length, 0);
  if (characters > mostRequestCharacters) {
    throw new LatchkeyError(
      'POD_TOO_LARGE',
      `the pod's requests for secrets are ${characters} characters long; Kubernetes takes 256 KiB of annotations`,
    );
  }
}

/** Sorts by number. `s1` and `s01` are the same one: their order must not depend on that in the pod. */
const inOrder = (found: readonly Found[]): Found[] =>
  found
    .map((one) => ({ one, digits: withoutZeros(one.annotation.slice(requestPrefix.length)) }))
    .sort((a, b) => compareNumbers(a.digits, b.digits) || (a.one.annotation < b.one.annotation ? -1 : 1))
    .map(({ one }) => one);

const withoutZeros = (digits: string): string =>
  digits.startsWith('0') ? digits.replace(/^0+(?=.)/, '') : digits;

/** Compares numbers written without leading zeros: the longer one is greater. */
function compareNumbers(left: string, right: string): number {
  if (left.length !== right.length) return left.length - right.length;
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
