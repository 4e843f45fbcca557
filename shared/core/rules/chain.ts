import type { ErrorCode } from '#shared/contracts/error-registry.ts';
import type { LatchkeyConfig } from '#shared/contracts/latchkey-config.ts';
import type { Mount } from '#shared/contracts/rule-recipe.ts';
import { createWorkBudget, type WorkBudget } from '#shared/core/bounds/work-budget.ts';
import type { SecretRequest } from '#shared/core/flyte/secret-request.ts';
import { createNearMissSearch, type NearMissSearch, withoutOrigin } from '#shared/core/text/near-miss.ts';
import type { Caller } from './policy.ts';
import type { CompiledRecipe } from './recipe.ts';
import { fitRequest } from './request-fit.ts';
import type { RuleIndex } from './rule-index.ts';
import { shortHash, type Variables } from './template.ts';

/** Everything a decision depends on besides the request. */
export type Rules = {
  index: RuleIndex;
  /** Managers in the order in which they are asked. */
  chain: readonly string[];
  /** Whether nothing has been heard of this manager for too long, by the caller's clock. */
  isStale: (manager: string) => boolean;
  /** How long ago this manager was last heard of, ms; Infinity when never. */
  ageMs: (manager: string) => number;
  /** Which namespaces are served, for the message to one that is not. */
  namespaces: LatchkeyConfig['k8s']['namespaces'];
};

/** The answer of one manager to one request; docs/architecture.md says what each means for the pod. */
export type Verdict =
  | { manager: string; answer: 'no'; code: ErrorCode; reason: string; open: boolean }
  /** By the policy, before anybody looks whether it exists. */
  | { manager: string; answer: 'forbidden'; line: string }
  | { manager: string; answer: 'has'; grant: Grant }
  /** `nearMisses` searches the names that the manager has, which only an answer that tells of them is worth. */
  | { manager: string; answer: 'lacks'; lookedFor: string; nearMisses: () => string[]; ageMs: number }
  | { manager: string; answer: 'unknown'; reason: 'no-rules' | 'namespace'; stale: false }
  /** It may be among what the manager leaves out, for it is too much. */
  | { manager: string; answer: 'unknown'; reason: 'left-out'; what: 'secret' | 'namespace'; stale: false }
  /** It lacked the secret when it was last heard. */
  | { manager: string; answer: 'unknown'; reason: 'stale'; stale: true; ageMs: number };

/** What a manager that has the secret injects it with. */
export type Grant = {
  manager: string;
  recipe: CompiledRecipe;
  mount: Mount;
  variables: Variables;
  /** The name under which it was found, or of an open manager the first under which it may be. */
  lookupKey: string;
  traceparents: string[];
  stale: boolean;
  /** The line of the policy that allowed it; undefined without a policy. */
  policyLine: string | undefined;
};

/** What asking may cost: the search for similar names where a manager lacks the secret, and all the rest. */
export type ChainWork = { search: NearMissSearch; budget: WorkBudget };

export function newChainWork(budget = createWorkBudget()): ChainWork {
  return { search: createNearMissSearch(), budget };
}

/**
 * Asks the managers in turn until one has the secret or one does not know. One that lacked it when it was last heard
 * does not stop the chain: known entries are injected for ever, so those of a later manager too when the bus is lost.
 * @param work what all requests of one pod share
 * @returns the answers given, the last of which may be `has` or `unknown`
 */
export function askChain(
  request: SecretRequest,
  caller: Caller,
  rules: Rules,
  work = newChainWork(),
): Verdict[] {
  const variables: Variables = {
    ...request,
    namespace: caller.namespace,
    versionedGroup: `${request.group}_${request.groupVersion}`,
    id: shortHash(JSON.stringify([request.group, request.groupVersion, request.key])),
    entry: {},
  };
  const verdicts: Verdict[] = [];
  for (const manager of rules.chain) {
    const verdict = askManager(manager, { request, caller, variables, work }, rules);
    verdicts.push(verdict);
    if (verdict.answer === 'has' || (verdict.answer === 'unknown' && !verdict.stale)) break;
  }
  return verdicts;
}

type Question = { request: SecretRequest; caller: Caller; variables: Variables; work: ChainWork };

function askManager(manager: string, question: Question, rules: Rules): Verdict {
  const { request, caller, variables, work } = question;
  const rule = rules.index.recipe(manager);
  if (rule === undefined) return { manager, answer: 'unknown', reason: 'no-rules', stale: false };
  const recipe = rule.compiled;
  const open = recipe.inventory === 'open';
  work.budget.spend(recipe.steps.fields);
  const fit = fitRequest(recipe, request);
  if ('code' in fit) return { manager, answer: 'no', open, ...fit };
  work.budget.spend(recipe.steps.names(variables));
  work.budget.spend(stepsPerLookup * recipe.lookup.length);
  const names = recipe.lookup.map((lookup) => judge(lookup(variables), { caller, request, work }, recipe));
  const allowed = names.filter((name) => name.allowed);
  const forbidden = names.find((name) => !name.allowed);
  // An open manager may serve any of the names, a closed one is only asked for those that are allowed.
  if (forbidden !== undefined && (open || allowed.length === 0)) {
    return { manager, answer: 'forbidden', line: forbidden.line ?? '' };
  }
  const { traceparent } = rule;
  const offer = { manager, recipe, mount: fit.mount, variables, traceparents: some(traceparent) };
  if (!open) {
    const verdict = lookUp(offer, allowed, question, rules);
    // What it lacks under the one name, it may have under the other.
    if (verdict.answer !== 'lacks' || forbidden === undefined) return verdict;
    return { manager, answer: 'forbidden', line: forbidden.line ?? '' };
  }
  const { lookupKey = '', line } = allowed[0] ?? {};
  return { manager, answer: 'has', grant: { ...offer, lookupKey, stale: false, policyLine: line } };
}

/** Hashed and looked up. */
const stepsPerLookup = 10;

/** One name under which a manager would look, as the policy judges it. */
type JudgedName = { lookupKey: string; allowed: boolean; line?: string };

/** Without a request it is asked whether anything that is looked up so may be used. */
function judge(
  lookupKey: string,
  { caller, request, work }: Pick<Question, 'caller' | 'work'> & Partial<Pick<Question, 'request'>>,
  { policy }: CompiledRecipe,
): JudgedName {
  const decision = policy?.decide(lookupKey, caller, request, work.budget) ?? { allowed: true };
  return { lookupKey, ...decision };
}

function lookUp(
  offer: Omit<Grant, 'lookupKey' | 'stale' | 'policyLine'>,
  names: readonly JudgedName[],
  { caller, variables, work }: Question,
  { index, isStale, ageMs }: Rules,
): Verdict {
  const { manager, recipe } = offer;
  const { namespace } = caller;
  if (recipe.scope === 'namespace' && !index.knowsNamespace(manager, namespace)) {
    return { manager, answer: 'unknown', reason: 'namespace', stale: false };
  }
  const stale = isStale(manager);
  const inventoryKey = recipe.inventoryKey?.(variables);
  for (const { lookupKey, line } of names) {
    const item = index.item(manager, namespace, inventoryKey ?? lookupKey);
    if (item === undefined) continue;
    const traceparents = [...offer.traceparents, ...some(item.traceparent)];
    const found = { ...variables, entry: item.variables };
    const grant = { ...offer, lookupKey, variables: found, traceparents, stale, policyLine: line };
    return { manager, answer: 'has', grant };
  }
  for (const { lookupKey } of names) {
    const what = index.leftOut(manager, namespace, inventoryKey ?? lookupKey);
    if (what !== undefined) return { manager, answer: 'unknown', reason: 'left-out', what, stale: false };
  }
  if (stale) return { manager, answer: 'unknown', reason: 'stale', stale, ageMs: ageMs(manager) };
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
    answer: 'lacks',
    lookedFor: recipe.description(variables),
    nearMisses: () => {
      similar ??= work.search.find(wanted, known()).filter(isOpenTo).map(withoutOrigin);
      return similar;
    },
    ageMs: ageMs(manager),
  };
}

const some = (traceparent: string | undefined): string[] => (traceparent === undefined ? [] : [traceparent]);
