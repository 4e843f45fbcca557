import type { ErrorCode } from '#shared/contracts/error-registry.ts';
import { type Mount, requestFields } from '#shared/contracts/rule-recipe.ts';
import { formatFault } from './field-format.ts';
import { findNearMisses } from './near-miss.ts';
import { quote } from './plain-text.ts';
import type { CompiledRecipe } from './recipe.ts';
import type { RuleIndex } from './rule-index.ts';
import type { SecretRequest } from './secret-request.ts';
import { shortHash, type Variables } from './template.ts';

/** Everything a decision depends on besides the request. */
export type Rules = {
  index: RuleIndex;
  /** Managers in the order in which they are asked. */
  chain: readonly string[];
  /** Whether nothing has been heard of this manager for too long, by the caller's clock. */
  isStale: (manager: string) => boolean;
};

/** The answer of one manager to one request (design.md section 4). */
export type Verdict =
  | { manager: string; answer: 'no'; code: ErrorCode; reason: string; open: boolean }
  | { manager: string; answer: 'has'; grant: Grant }
  | { manager: string; answer: 'lacks'; lookedFor: string; nearMisses: string[] }
  /** `stale`: it lacked the secret when it was last heard. */
  | { manager: string; answer: 'unknown'; reason: string; stale: boolean };

/** What a manager that has the secret injects it with. */
export type Grant = {
  manager: string;
  recipe: CompiledRecipe;
  mount: Mount;
  variables: Variables;
  traceparents: string[];
  stale: boolean;
};

const fieldNames = { group: 'group', groupVersion: 'group_version', key: 'key', envVar: 'env_var' } as const;
const mountNames = ['ANY', 'ENV_VAR', 'FILE'];

/**
 * Asks the managers in turn until one has the secret or one does not know. One that lacked it when it was last heard
 * does not stop the chain: what a later manager has goes on being injected when the bus is lost (design.md section 4,
 * known entries go on injecting for ever).
 * @returns the answers given, the last of which may be `has` or `unknown`
 */
export function askChain(
  request: SecretRequest,
  namespace: string,
  { index, chain, isStale }: Rules,
): Verdict[] {
  const variables: Variables = {
    ...request,
    namespace,
    versionedGroup: `${request.group}_${request.groupVersion}`,
    id: shortHash(JSON.stringify([request.group, request.groupVersion, request.key])),
    entry: {},
  };
  const verdicts: Verdict[] = [];
  for (const manager of chain) {
    const verdict = askManager(manager, request, variables, index, isStale(manager));
    if (isTrustAlone(verdict) && verdicts.some(({ answer }) => answer === 'unknown')) break;
    verdicts.push(verdict);
    if (verdict.answer === 'has' || (verdict.answer === 'unknown' && !verdict.stale)) break;
  }
  return verdicts;
}

/** An open manager accepts without knowing: it must not speak for one before it that may have the secret by now. */
const isTrustAlone = (verdict: Verdict): boolean =>
  verdict.answer === 'has' && verdict.grant.recipe.inventory === 'open';

function askManager(
  manager: string,
  request: SecretRequest,
  variables: Variables,
  index: RuleIndex,
  stale: boolean,
): Verdict {
  const rule = index.recipe(manager);
  if (rule === undefined) {
    const reason = `the rules of manager ${manager} have not arrived yet`;
    return { manager, answer: 'unknown', reason, stale: false };
  }
  const recipe = rule.compiled;
  const mount = chooseMount(recipe, request);
  const refusal = refuse(recipe, request, mount);
  if (refusal !== undefined || mount === undefined) {
    return { manager, answer: 'no', open: recipe.inventory === 'open', ...(refusal ?? unsupported(request)) };
  }
  const grant = { manager, recipe, mount, variables, traceparents: traceparentsOf(rule) };
  if (recipe.inventory === 'open') return { manager, answer: 'has', grant: { ...grant, stale: false } };
  const { namespace } = variables;
  if (recipe.scope === 'namespace' && !index.knowsNamespace(manager, namespace)) {
    const reason = `manager ${manager} does not know namespace ${quote(namespace)} (yet)`;
    return { manager, answer: 'unknown', reason, stale: false };
  }
  const lookupKeys = recipe.lookup.map((lookup) => lookup(variables));
  for (const lookupKey of lookupKeys) {
    const item = index.item(manager, namespace, lookupKey);
    if (item === undefined) continue;
    const traceparents = traceparentsOf(rule, item);
    const found = { ...variables, entry: item.variables };
    return { manager, answer: 'has', grant: { ...grant, variables: found, traceparents, stale } };
  }
  if (stale) {
    const reason = `what manager ${manager} last said is too old to rule it out`;
    return { manager, answer: 'unknown', reason, stale };
  }
  const nearMisses = findNearMisses(lookupKeys[0] ?? '', index.lookupKeys(manager, namespace));
  return { manager, answer: 'lacks', lookedFor: recipe.description(variables), nearMisses };
}

function traceparentsOf(...sources: { traceparent: string | undefined }[]): string[] {
  return sources.flatMap(({ traceparent }) => (traceparent === undefined ? [] : [traceparent]));
}

function chooseMount(recipe: CompiledRecipe, request: SecretRequest): Mount | undefined {
  const wanted = [recipe.mounts.any, 'env', 'file'] as const;
  const mount = wanted[request.mountRequirement];
  return mount !== undefined && recipe.mounts.accepts.includes(mount) ? mount : undefined;
}

type Refusal = { code: ErrorCode; reason: string };

/** What a manager can never serve: a missing field, an impossible name, a mount. */
function refuse(
  recipe: CompiledRecipe,
  request: SecretRequest,
  mount: Mount | undefined,
): Refusal | undefined {
  for (const field of requestFields) {
    const rule = recipe.fields[field];
    if (rule?.required && request[field] === '') {
      return { code: 'FIELD_MISSING', reason: `${fieldNames[field]} is missing` };
    }
  }
  for (const field of requestFields) {
    const rule = recipe.fields[field];
    const fault = rule === undefined || request[field] === '' ? undefined : formatFault(request[field], rule);
    if (fault !== undefined) {
      const reason = `${fieldNames[field]} ${quote(request[field])} ${fault}`;
      return { code: 'NAME_IMPOSSIBLE', reason };
    }
  }
  return mount === undefined ? unsupported(request) : undefined;
}

function unsupported({ mountRequirement }: SecretRequest): Refusal {
  const name = mountNames[mountRequirement] ?? `number ${mountRequirement}`;
  return { code: 'MOUNT_UNSUPPORTED', reason: `mount requirement ${name} is not served` };
}
