import type { LatchkeyConfig } from '#shared/contracts/config/latchkey-config.ts';
import { createWorkBudget, type WorkBudget } from '#shared/core/bounds/work-budget.ts';
import type { SecretRequest } from '#shared/core/flyte/secret-request.ts';
import type { RuleIndex } from '#shared/core/rules/index/rule-index.ts';
import type { Caller } from '#shared/core/rules/policy/policy.ts';
import { checkFields } from '#shared/core/rules/recipe/field-check.ts';
import type { CompiledRecipe } from '#shared/core/rules/recipe/recipe.ts';
import type { Asked } from '#shared/core/rules/template/lookup-name.ts';
import { RequestVariables } from '#shared/core/rules/template/request-variables.ts';
import { createNearMissSearch, type NearMissSearch } from '#shared/core/text/near-miss.ts';
import type { ManagerAnswer, Match } from './manager-answer.ts';

/** Everything a decision depends on besides the request. */
export interface Rules {
  index: RuleIndex;
  /** Managers in the order in which they are asked. */
  chain: readonly string[];
  /** Whether nothing has been heard of this manager for too long, by the caller's clock. */
  isStale: (manager: string) => boolean;
  /** How long ago this manager was last heard of, ms; Infinity when never. */
  ageMs: (manager: string) => number;
  /** Which namespaces are served, for the message to one that is not. */
  namespaces: LatchkeyConfig['k8s']['namespaces'];
  /** Names of containers that get no secrets, for others add them. */
  skippedContainers: readonly string[];
}

/** Bounds what asking may cost: the search for similar names, and all the rest. */
export interface ChainWork {
  search: NearMissSearch;
  budget: WorkBudget;
}

export function newChainWork(budget = createWorkBudget()): ChainWork {
  return { search: createNearMissSearch(), budget };
}

/**
 * Asks the managers in turn until one has the secret or one does not know. One that lacked it when it was last heard
 * does not stop the chain: known entries are injected for ever, so those of a later manager too when the bus is lost.
 * @param work what all requests of one pod share
 * @returns the answers given, the last of which may be `found` or `unknown`
 */
export function askChain(
  request: SecretRequest,
  caller: Caller,
  rules: Rules,
  work = newChainWork(),
): ManagerAnswer[] {
  const variables = new RequestVariables(request, caller.namespace);
  const answers: ManagerAnswer[] = [];
  for (const manager of rules.chain) {
    const answer = askManager(manager, { request, caller, variables, work }, rules);
    answers.push(answer);
    if (answer.kind === 'found' || (answer.kind === 'unknown' && !answer.stale)) break;
  }
  return answers;
}

interface Question {
  request: SecretRequest;
  caller: Caller;
  variables: RequestVariables;
  work: ChainWork;
}

function askManager(manager: string, question: Question, rules: Rules): ManagerAnswer {
  const { request, caller, variables, work } = question;
  const rule = rules.index.recipe(manager);
  if (rule === undefined) return { manager, kind: 'unknown', cause: 'no-rules', stale: false };
  const recipe = rule.compiled;
  const open = recipe.inventory === 'open';
  work.budget.spend(recipe.steps.fields);
  const check = checkFields(recipe, request);
  if ('code' in check) return { manager, kind: 'ineligible', open, ...check };
  work.budget.spend(recipe.steps.names(variables));
  work.budget.spend(stepsPerLookup * recipe.lookup.length);
  const everyKey = recipe.asksEveryKey(variables) ? variables.withEveryKey() : undefined;
  const asked: Asked = everyKey ? { group: request.group, key: everyKey.key, everyKey: true } : request;
  const names = recipe.lookup.map((lookup) => ({
    ...judge(lookup(everyKey ?? variables), { caller, asked, work }, recipe),
    lookupKey: lookup(variables),
  }));
  const allowed = names.filter((name) => name.allowed);
  const forbidden = names.find((name) => !name.allowed);
  // An open manager may serve any of the names, a closed one is only asked for those that are allowed.
  if (forbidden !== undefined && (open || allowed.length === 0)) {
    return { manager, kind: 'forbidden', policyLine: forbidden.line ?? '' };
  }
  const candidate = { recipe, mount: check.mount, variables, traceparents: optional(rule.traceparent) };
  if (!open) {
    const answer = lookUp(manager, candidate, allowed, question, rules);
    // What it lacks under the one name, it may have under the other.
    if (answer.kind !== 'absent' || forbidden === undefined) return answer;
    return { manager, kind: 'forbidden', policyLine: forbidden.line ?? '' };
  }
  const { lookupKey = '', line } = allowed[0] ?? {};
  return { manager, kind: 'found', stale: false, match: { ...candidate, lookupKey, policyLine: line } };
}

/** Steps to hash a name and look it up. */
const stepsPerLookup = 10;

/** One name under which a manager would look, as the policy judges it. */
interface PolicyResult {
  lookupKey: string;
  allowed: boolean;
  line?: string;
}

/** Judges a name by the policy. Without a request: whether anything that is looked up so may be used. */
function judge(
  lookupKey: string,
  { caller, asked, work }: Pick<Question, 'caller' | 'work'> & { asked?: Asked },
  { policy }: CompiledRecipe,
): PolicyResult {
  const decision = policy?.decide(lookupKey, caller, asked, work.budget) ?? { allowed: true };
  return { lookupKey, ...decision };
}

function lookUp(
  manager: string,
  candidate: Omit<Match, 'lookupKey' | 'policyLine'>,
  names: readonly PolicyResult[],
  { caller, variables, work }: Question,
  { index, isStale, ageMs }: Rules,
): ManagerAnswer {
  const { recipe } = candidate;
  const { namespace } = caller;
  if (recipe.scope === 'namespace' && !index.knowsNamespace(manager, namespace)) {
    return { manager, kind: 'unknown', cause: 'namespace', stale: false };
  }
  const stale = isStale(manager);
  const inventoryKey = recipe.inventoryKey?.(variables);
  for (const { lookupKey, line } of names) {
    const item = index.item(manager, namespace, inventoryKey ?? lookupKey);
    if (item === undefined) continue;
    const match = {
      ...candidate,
      lookupKey,
      variables: variables.withEntry(item.variables),
      traceparents: [...candidate.traceparents, ...optional(item.traceparent)],
      policyLine: line,
    };
    return { manager, kind: 'found', stale, match };
  }
  for (const { lookupKey } of names) {
    const what = index.leftOut(manager, namespace, inventoryKey ?? lookupKey);
    if (what !== undefined) return { manager, kind: 'unknown', cause: 'left-out', what, stale: false };
  }
  if (stale) return { manager, kind: 'unknown', cause: 'stale', stale, ageMs: ageMs(manager) };
  // A policy cannot judge a name that says less than a lookup key.
  const isOpenTo = (key: string): boolean =>
    recipe.policy === undefined ||
    (inventoryKey === undefined && judge(key, { caller, work }, recipe).allowed);
  const known = function* (): Iterable<string> {
    if (recipe.scope === 'namespace') yield* index.lookupKeys(manager, namespace);
    yield* index.lookupKeys(manager);
  };
  const wanted = inventoryKey ?? names[0]?.lookupKey ?? '';
  let similar: string[] | undefined;
  return {
    manager,
    kind: 'absent',
    lookedFor: recipe.description(variables),
    nearMisses: () => {
      similar ??= work.search
        .find(wanted, known(), recipe.displayName)
        .filter(isOpenTo)
        .map(recipe.displayName);
      return similar;
    },
    ageMs: ageMs(manager),
  };
}

const optional = (traceparent: string | undefined): string[] =>
  traceparent === undefined ? [] : [traceparent];
