import type { ErrorCode } from '#shared/contracts/error-registry.ts';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import type { Edit, Mount } from '#shared/contracts/rule-recipe.ts';
import { decodeAnnotation, type SecretRequest, secretTitle } from '#shared/core/flyte/secret-request.ts';
import { bringSecret, escapingPath, placesOf } from '#shared/core/patch/secret-place.ts';
import { askChain, type ChainWork, type Grant, type Rules, type Verdict } from '#shared/core/rules/chain.ts';
import { otherReadings } from '#shared/core/rules/lookup-readings.ts';
import type { Caller } from '#shared/core/rules/policy.ts';
import { describeAge } from '#shared/core/text/age.ts';
import { brief, quote } from '#shared/core/text/plain-text.ts';
import { type Refusal, wordRefusal } from './denial.ts';
import type { RefusedSecret } from './denial-message.ts';

/** What became of one request: who injects it and how, or why not. No values. */
export type SecretVerdict = {
  annotation: string;
  /** `malformed` when the annotation could not be decoded, else the decisive answer of the chain. */
  verdict: Verdict['answer'] | 'malformed';
  group: string;
  groupVersion: string;
  key: string;
  manager?: string;
  mount?: Mount;
  /** Names of the variables and paths of the files that hold it. */
  how: string[];
  /** The line of the policy that allowed it; absent where its manager has no policy. */
  policy?: string;
  /** What else its manager knows under the same name, as `group/key`; absent where the name can be read in one way. */
  alsoReadAs?: string[];
  code?: ErrorCode;
};

/** A verdict together with what the patch, or the denial, is made of. */
export type DecidedSecret = {
  verdict: SecretVerdict;
  injection?: { title: string; edits: Edit[]; rule: string };
  refused?: RefusedSecret;
  warnings: string[];
  traceparents: string[];
};

/** Decodes one annotation and asks the chain for it. `work` is shared by the secrets of one pod. */
export function decideSecret(
  { annotation, value }: { annotation: string; value: string },
  caller: Caller,
  rules: Rules,
  work: ChainWork,
): DecidedSecret {
  const paidSteps = requestSteps + Math.ceil(value.length / charactersPerRequestStep);
  work.budget.spend(paidSteps);
  let request: SecretRequest;
  try {
    request = decodeAnnotation(annotation, value);
  } catch (error) {
    return refuse(annotation, undefined, asRefusal(error));
  }
  const verdicts = askChain(request, caller, rules, work);
  const last = verdicts.at(-1);
  if (last?.answer !== 'has') {
    return refuse(annotation, request, wordRefusal(verdicts, caller, rules.namespaces));
  }
  const { manager, mount, recipe, variables, lookupKey, traceparents, policyLine } = last.grant;
  try {
    // The request has paid for as many templates as the shipped recipes have.
    work.budget.spend(Math.max(0, recipe.steps.edits[mount](variables) - paidSteps));
    const edits = recipe.edits[mount](variables);
    work.budget.spend(Math.ceil(valueLength(edits) / charactersPerStep));
    checkEdits(edits, manager, mount);
    const title = secretTitle(request);
    const policy = policyLine === undefined ? {} : { policy: policyLine };
    const alsoReadAs = otherReadings(recipe.names, lookupKey, request, work.budget);
    return {
      verdict: {
        ...partsOf(annotation, request),
        verdict: 'has',
        manager,
        mount,
        how: placesOf(edits),
        ...policy,
        ...(alsoReadAs.length === 0 ? {} : { alsoReadAs }),
      },
      injection: { title, edits, rule: `${manager}@${recipe.digest}` },
      traceparents,
      warnings: [
        ...verdicts.filter(isStale).map((stale) => wordStale(stale.manager, rules.ageMs(stale.manager))),
        ...versionWarnings(last.grant, request),
        ...hidingWarnings(alsoReadAs, manager, request, () =>
          askChain(request, caller, after(manager, rules), work),
        ),
      ],
    };
  } catch (error) {
    return refuse(annotation, request, asRefusal(error), { manager, mount });
  }
}

/** Decoded, hashed, looked up, and rendered into names and paths by some twenty templates. */
const requestSteps = 150;
const charactersPerRequestStep = 2;

/** Opened, decoded and escaped. */
const charactersPerStep = 12;

/** Characters of the values that stand in the edits: of inline delivery up to 1 MiB for each variable. */
function valueLength(edits: readonly Edit[]): number {
  return edits.reduce(
    (sum, edit) => sum + ('env' in edit && 'value' in edit.env ? edit.env.value.length : 0),
    0,
  );
}

/**
 * What only the rendered edits of a recipe show.
 * @throws LatchkeyError RULES_UNKNOWN when the task would start without its secret, NAME_IMPOSSIBLE when the secret's
 * name makes a path that leads out of its folder
 */
function checkEdits(edits: readonly Edit[], manager: string, mount: Mount): void {
  if (!bringSecret(edits)) {
    const message = `the recipe of manager ${quote(manager)} puts nothing into the pod for this request: ask the platform team to correct its edits.${mount}`;
    throw new LatchkeyError('RULES_UNKNOWN', message);
  }
  const path = escapingPath(edits);
  if (path !== undefined) {
    const message = `manager ${quote(manager)} would put the secret at ${quote(path)}, and ".." may not be part of a path: use another name, or ask the platform team to give the recipe's fields a format`;
    throw new LatchkeyError('NAME_IMPOSSIBLE', message);
  }
}

function refuse(
  annotation: string,
  request: SecretRequest | undefined,
  refusal: Refusal,
  by: Pick<SecretVerdict, 'manager' | 'mount'> = {},
): DecidedSecret {
  const refused = { annotation, request, refusal };
  const verdict = request === undefined ? 'malformed' : answerOf(refusal.code);
  return {
    verdict: { ...partsOf(annotation, request), verdict, how: [], ...by, code: refusal.code },
    refused,
    traceparents: [],
    warnings: [],
  };
}

function partsOf(
  annotation: string,
  request: SecretRequest | undefined,
): Pick<SecretVerdict, 'annotation' | 'group' | 'groupVersion' | 'key'> {
  const { group = '', groupVersion = '', key = '' } = request ?? {};
  return { annotation, group, groupVersion, key };
}

const isStale = (verdict: Verdict): boolean =>
  verdict.answer === 'has' ? verdict.grant.stale : verdict.answer === 'unknown' && verdict.stale;

/** Says nothing of the secret, so that all those of one manager share a warning. */
function wordStale(manager: string, ageMs: number): string {
  const since = Number.isFinite(ageMs) ? `for ${describeAge(ageMs)}` : 'since this gateway started';
  return `manager ${brief(manager)} was not heard ${since}: secrets are injected as last known`;
}

/** A version that the manager would ignore in silence. */
function versionWarnings({ manager, recipe }: Grant, request: SecretRequest): string[] {
  const { groupVersion } = request;
  const rule = recipe.fields.groupVersion;
  if (groupVersion === '' || (rule !== undefined && rule.honoured?.includes(groupVersion) !== false))
    return [];
  const title = brief(secretTitle({ ...request, groupVersion: '' }));
  return [`group_version ${brief(groupVersion)} of secret ${title} is ignored by manager ${manager}`];
}

function after(manager: string, rules: Rules): Rules {
  return { ...rules, chain: rules.chain.slice(rules.chain.indexOf(manager) + 1) };
}

/** What a later manager has, where the one before it may have another secret under the same name. */
function hidingWarnings(
  [other]: readonly string[],
  manager: string,
  request: SecretRequest,
  askLater: () => Verdict[],
): string[] {
  if (other === undefined) return [];
  const hidden = askLater().at(-1);
  if (hidden?.answer !== 'has' || hidden.grant.recipe.inventory === 'open') return [];
  const title = brief(secretTitle(request));
  return [
    `secret ${title} of ${hidden.manager} is hidden: ${manager} has one name for it and ${brief(other)}`,
  ];
}

function asRefusal(error: unknown): Refusal {
  if (!(error instanceof LatchkeyError)) throw error;
  const { code, message, cause } = error;
  // The budget is all secrets' together: the others would cost as much again.
  if (code === 'POD_TOO_LARGE') throw error;
  if (code !== 'ANNOTATION_MALFORMED') return { code, reason: message, remarks: [] };
  // The cause does not name the annotation, which the sentence begins with.
  const reason = `the annotation ${cause instanceof LatchkeyError ? cause.message : message}`;
  return { code, reason, remarks: [malformedRemark] };
}

const malformedRemark =
  'Flyte writes this annotation; if it stands in a pod template of your own, remove it or write it with "latchkey encode".';

function answerOf(code: ErrorCode): Verdict['answer'] {
  if (code === 'RULES_UNKNOWN') return 'unknown';
  if (code === 'POLICY_FORBIDDEN') return 'forbidden';
  return code === 'SECRET_NOT_FOUND' ? 'lacks' : 'no';
}
