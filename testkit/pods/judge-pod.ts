import assert from 'node:assert/strict';
import { type Admission, admit, type Rules } from '#shared/core/admission/admit.ts';
import { createWorkBudget } from '#shared/core/bounds/work-budget.ts';
import { applyPatch } from '#shared/core/patch/apply-patch.ts';
import { aReview, bytesOf } from './a-pod.ts';

/** An answer, and how many steps it took. */
export interface Judged {
  admission: Admission;
  steps: number;
}

/** Asks about a pod as the API server does, and counts the steps of the answer. */
export function judgePod(pod: object, by: Rules, request: object = {}): Judged {
  const budget = createWorkBudget();
  const admission = admit(bytesOf(aReview(pod, request)), by, { budget });
  return { admission, steps: budget.spent() };
}

/** Asserts that a pod is denied with this code, in a short answer. */
export function assertRefused({ admission }: Judged, code: string): void {
  assert.equal(admission.code, code);
  const text = JSON.stringify(admission.response);
  assert.ok(text.length < 2_000, `${text.length} characters`);
}

/** Asserts that a second call about the patched pod changes nothing and costs no more: the API server may make one. */
export function assertRepeats(pod: object, by: Rules, { admission, steps }: Judged): void {
  const patched = JSON.parse(JSON.stringify(pod));
  applyPatch(patched, admission.patch);
  const again = judgePod(patched, by);
  assert.equal(again.admission.outcome, 'injected', again.admission.code);
  assert.deepEqual(again.admission.patch, []);
  assert.ok(again.steps <= steps, `${again.steps} steps after ${steps}`);
}
