import assert from 'node:assert/strict';
import { parseJson } from '#shared/core/admission/admission-review.ts';
import type { Admission, admit, Rules } from '#shared/core/admission/admit.ts';
import { createWorkBudget, mostSteps } from '#shared/core/bounds/work-budget.ts';
import { applyPatch } from '#shared/core/patch/apply-patch.ts';
import { member } from '#shared/core/text/json-object.ts';
import type { CaseNotes } from './fuzz-target.ts';
import { jsonBytes } from './mutate.ts';

/** The decision under test: `admit`, or a broken one to see that it is found. */
export type Decide = typeof admit;

const outcomes: readonly Admission['outcome'][] = [
  'injected',
  'nothing-asked',
  'not-applicable',
  'denied',
  'malformed',
];
const codes = [400, 403, 404, 503];
const longestMessage = 2_000;
const longestWarning = 120;
const mostWarnings = 31;
/** What a terminal obeys, and what the API server refuses in a warning. */
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;
const membersOfAll = Reflect.ownKeys(Object.prototype).length;

/**
 * Decides one review and checks all that must hold of every decision: it is an answer of a known kind and of bounded,
 * printable texts, within the step budget, and its patch applies and repeats to nothing.
 */
export function judgeAdmission(decide: Decide, body: Uint8Array, rules: Rules, notes: CaseNotes): Admission {
  const admission = decideOnce(decide, body, rules, notes);
  notes.outcome(admission.outcome);
  if (admission.outcome === 'denied') notes.outcome(`denied ${admission.code}`);
  if (admission.outcome !== 'injected') {
    assert.deepEqual(admission.patch, [], `a patch with the outcome ${admission.outcome}`);
    return admission;
  }
  const review = parseJson(body);
  applyPatch(member(member(review, 'request'), 'object'), admission.patch);
  const again = decideOnce(decide, jsonBytes(review), rules, notes);
  assert.equal(again.outcome, 'injected', `of the patched pod: ${again.code}`);
  assert.deepEqual(again.patch, [], 'the second decision has something to add');
  return admission;
}

function decideOnce(decide: Decide, body: Uint8Array, rules: Rules, notes: CaseNotes): Admission {
  const budget = createWorkBudget();
  const admission = decide(body, rules, { budget });
  const share = budget.spent() / mostSteps;
  notes.budgetShare(share);
  assert.ok(share <= 1, `${budget.spent()} steps`);
  assert.ok(outcomes.includes(admission.outcome), `the outcome ${admission.outcome}`);
  assert.equal(Reflect.ownKeys(Object.prototype).length, membersOfAll, 'a member of every object');
  checkAnswer(admission, body);
  return admission;
}

function checkAnswer({ response, httpStatus, outcome, patch }: Admission, body: Uint8Array): void {
  if (!('response' in response)) {
    assert.equal(outcome, 'malformed');
    assert.equal(httpStatus, 400);
    checkText(response.message, longestMessage);
    return;
  }
  assert.equal(httpStatus, 200);
  const { uid, allowed, status, warnings = [] } = response.response;
  assert.equal(uid, member(member(parseJson(body), 'request'), 'uid'), 'another uid');
  assert.equal(allowed, outcome !== 'denied');
  assert.equal(response.response.patch !== undefined, patch.length > 0);
  if (!allowed) assert.ok(codes.includes(status?.code ?? 0), `the code ${status?.code}`);
  checkText(status?.message ?? '', longestMessage);
  assert.ok(warnings.length <= mostWarnings, `${warnings.length} warnings`);
  for (const warning of warnings) checkText(warning, longestWarning);
}

function checkText(text: string, longest: number): void {
  assert.ok([...text].length <= longest, `${text.length} characters: ${text.slice(0, 200)}`);
  assert.doesNotMatch(text, unprintable);
}
