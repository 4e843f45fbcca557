import type { ErrorCode } from '#shared/contracts/error-registry.ts';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import type { Edit, Mount } from '#shared/contracts/rules/rule-recipe.ts';
import { decodeAnnotation, type SecretRequest, secretTitle } from '#shared/core/flyte/secret-request.ts';
import {
  impossiblePath,
  injectedLocations,
  pathVariables,
  providesSecret,
} from '#shared/core/patch/injected-locations.ts';
import { askChain, type ChainWork, type Rules } from '#shared/core/rules/chain.ts';
import { isSealed } from '#shared/core/rules/index/sealed-value.ts';
import type { ManagerAnswer, Match } from '#shared/core/rules/manager-answer.ts';
import type { Caller } from '#shared/core/rules/policy/policy.ts';
import { otherReadings } from '#shared/core/rules/template/lookup-readings.ts';
import { quote } from '#shared/core/text/plain-text.ts';
import type { RejectedSecret } from './denial.ts';
import { injectionWarnings } from './injection-warnings.ts';
import { describeRejection, type RejectionText } from './rejection-text.ts';

/** What became of one request: who injects it and how, or why not. No values. */
export interface SecretDecision {
  annotation: string;
  /** `malformed` when the annotation could not be decoded, else the decisive answer of the chain. */
  outcome: ManagerAnswer['kind'] | 'malformed';
  group: string;
  groupVersion: string;
  key: string;
  manager?: string;
  mount?: Mount;
  /** Names of the variables and paths of the files that hold it. */
  how: string[];
  /** Those of its variables that hold a path and not the secret; absent where there are none. */
  holdsPath?: string[];
  /** The line of the policy that allowed it; absent where its manager has no policy. */
  policy?: string;
  /** What else its manager knows under the same name, as `group/key`; absent where the name can be read in one way. */
  alsoReadAs?: string[];
  code?: ErrorCode;
}

/** The names of outcomes that operators see, in metrics and `explain`. */
export const outcomeLabels = {
  found: 'has',
  absent: 'lacks',
  unknown: 'unknown',
  forbidden: 'forbidden',
  ineligible: 'no',
  malformed: 'malformed',
} as const satisfies Record<SecretDecision['outcome'], string>;

/** A decision together with what the patch, or the denial, is made of. */
export type DecidedSecret = { decision: SecretDecision } & (
  | { injection: Injection }
  | { rejection: RejectedSecret }
);

/** How one secret comes into the pod. */
export interface Injection {
  title: string;
  edits: Edit[];
  /** The recipe used, as `manager@digest`. */
  rule: string;
  warnings: string[];
  traceparents: string[];
  /** Whether its edits hold a value that was opened for this decision. */
  isSealed: boolean;
}

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
    return reject(annotation, undefined, rejectionOf(error));
  }
  const answers = askChain(request, caller, rules, work);
  const last = answers.at(-1);
  if (last?.kind !== 'found') {
    return reject(annotation, request, describeRejection(answers, caller, rules.namespaces));
  }
  const { manager, match } = last;
  const { mount, recipe, lookupKey, traceparents, policyLine } = match;
  let edits: Edit[];
  try {
    edits = renderEdits(manager, match, paidSteps, work);
  } catch (error) {
    return reject(annotation, request, rejectionOf(error), { manager, mount });
  }
  const holdsPath = pathVariables(edits);
  const alsoReadAs = otherReadings(recipe.names, lookupKey, request, work.budget);
  return {
    decision: {
      ...partsOf(annotation, request),
      outcome: 'found',
      manager,
      mount,
      how: injectedLocations(edits),
      ...(holdsPath.length === 0 ? {} : { holdsPath }),
      ...(policyLine === undefined ? {} : { policy: policyLine }),
      ...(alsoReadAs.length === 0 ? {} : { alsoReadAs }),
    },
    injection: {
      title: secretTitle(request),
      edits,
      rule: `${manager}@${recipe.digest}`,
      traceparents,
      isSealed: isSealed(match.variables.entry),
      warnings: injectionWarnings({ request, caller, answers, found: last, alsoReadAs }, rules, work),
    },
  };
}

/** Decoded, hashed, looked up, and rendered into names and paths by some twenty templates. */
const requestSteps = 150;
const charactersPerRequestStep = 2;

/** Opened, decoded and escaped. */
const charactersPerStep = 12;

/**
 * Renders the edits of a secret that was found.
 * @param paidSteps what its request has paid: for as many templates as the shipped recipes have
 * @throws RULES_UNKNOWN when the task would start without its secret, or a sealed value cannot be opened;
 * NAME_IMPOSSIBLE when the secret's name makes a path that cannot be
 */
function renderEdits(
  manager: string,
  { recipe, mount, variables }: Match,
  paidSteps: number,
  { budget }: ChainWork,
): Edit[] {
  budget.spend(Math.max(0, recipe.steps.edits[mount](variables) - paidSteps));
  const edits = recipe.edits[mount](variables);
  budget.spend(Math.ceil(valueLength(edits) / charactersPerStep));
  checkEdits(edits, manager, mount);
  return edits;
}

/** Characters of the values that stand in the edits: of inline delivery up to 1 MiB for each variable. */
function valueLength(edits: readonly Edit[]): number {
  return edits.reduce(
    (sum, edit) => sum + ('env' in edit && 'value' in edit.env ? edit.env.value.length : 0),
    0,
  );
}

/** Refuses what only the rendered edits of a recipe show. @throws RULES_UNKNOWN, NAME_IMPOSSIBLE when they would not do */
function checkEdits(edits: readonly Edit[], manager: string, mount: Mount): void {
  if (!providesSecret(edits)) {
    const message = `the recipe of manager ${quote(manager)} puts nothing into the pod for this request: ask the platform team to correct its edits.${mount}`;
    throw new LatchkeyError('RULES_UNKNOWN', message);
  }
  const impossible = impossiblePath(edits);
  if (impossible !== undefined) {
    const { path, fault } = impossible;
    const message = `manager ${quote(manager)} would put the secret at ${quote(path)}, and ${fault}: use another name, or ask the platform team to correct the recipe or give its fields a format`;
    throw new LatchkeyError('NAME_IMPOSSIBLE', message);
  }
}

function reject(
  annotation: string,
  request: SecretRequest | undefined,
  text: RejectionText,
  by: Pick<SecretDecision, 'manager' | 'mount'> = {},
): DecidedSecret {
  const outcome = request === undefined ? 'malformed' : outcomeOf(text.code);
  return {
    decision: { ...partsOf(annotation, request), outcome, how: [], ...by, code: text.code },
    rejection: { annotation, request, text },
  };
}

function partsOf(
  annotation: string,
  request: SecretRequest | undefined,
): Pick<SecretDecision, 'annotation' | 'group' | 'groupVersion' | 'key'> {
  const { group = '', groupVersion = '', key = '' } = request ?? {};
  return { annotation, group, groupVersion, key };
}

/** Says of a fault of one secret why it is not injected. @throws the error when it is no such fault */
function rejectionOf(error: unknown): RejectionText {
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

function outcomeOf(code: ErrorCode): ManagerAnswer['kind'] {
  if (code === 'RULES_UNKNOWN') return 'unknown';
  if (code === 'POLICY_FORBIDDEN') return 'forbidden';
  return code === 'SECRET_NOT_FOUND' ? 'absent' : 'ineligible';
}
