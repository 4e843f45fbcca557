import type { PolicyConfig, RecipePolicy } from '#shared/contracts/policy.ts';
import { canonicalName } from './canonical-name.ts';
import { compileGlob } from './glob.ts';
import type { Template, Variables } from './template.ts';

/** Who asks: what a policy knows of a pod. */
export type Caller = {
  namespace: string;
  serviceAccount: string;
  /** Labels of Flyte's pods; undefined when the pod has none. */
  project?: string | undefined;
  domain?: string | undefined;
};

/** `line` names what decided: `rule "payments"`, `default deny`. */
type PolicyDecision = { allowed: boolean; line: string };

/**
 * The policy of one manager. A secret is known by its lookup keys, the names under which the manager looks it up, and by
 * their canonical names, so that no other spelling of group and key evades a rule.
 */
export type Policy = {
  decide(lookupKey: string, caller: Caller): PolicyDecision;
  /** Whether anybody in the namespace could be allowed to use the secret. */
  mayReach(lookupKey: string, namespace: string): boolean;
};

type Matcher = (text: string | undefined) => boolean;
type SecretName = { lookupKey: string; canonical: string };
type CompiledRule = {
  name: string;
  names: (name: SecretName) => boolean;
  namespaces: Matcher;
  admits: (caller: Caller) => boolean;
};

/** The part of latchkey.yaml's policy that concerns a manager; undefined when it allows everything. */
export function policyOf(
  { default: byDefault, rules }: PolicyConfig,
  manager: string,
): RecipePolicy | undefined {
  const own = rules
    .filter(({ managers }) => anyOf(managers)(manager))
    .map(({ managers: _, ...rule }) => rule);
  return byDefault === 'allow' && own.length === 0 ? undefined : { default: byDefault, rules: own };
}

/**
 * Compiles a policy. The rules that name a secret decide: one that admits the caller allows, else it is denied. A
 * secret that no rule names is decided by the default.
 * @param lookup the recipe's lookup templates: the globs of a rule go through them as group and key of a request do
 * @param manager whose names they are
 */
export function compilePolicy(policy: RecipePolicy, lookup: readonly Template[], manager: string): Policy {
  const canonicalOf = (name: string): string => canonicalName(manager, name);
  const rules = policy.rules.map((rule) => compileRule(rule, lookup, canonicalOf));
  const allowedByDefault = policy.default === 'allow';
  const naming = (lookupKey: string): CompiledRule[] => {
    const name = { lookupKey, canonical: canonicalOf(lookupKey) };
    return rules.filter(({ names }) => names(name));
  };
  return {
    decide: (lookupKey, caller) => {
      const named = naming(lookupKey);
      if (named.length === 0) return { allowed: allowedByDefault, line: `default ${policy.default}` };
      const admitting = named.find(({ admits }) => admits(caller));
      return {
        allowed: admitting !== undefined,
        line: lineOf(admitting === undefined ? named : [admitting]),
      };
    },
    mayReach: (lookupKey, namespace) => {
      const named = naming(lookupKey);
      return named.length === 0 ? allowedByDefault : named.some(({ namespaces }) => namespaces(namespace));
    },
  };
}

function lineOf(rules: readonly CompiledRule[]): string {
  const names = rules.map(({ name }) => `"${name}"`);
  return `${names.length === 1 ? 'rule' : 'rules'} ${names.slice(0, 3).join(', ')}${names.length > 3 ? ', …' : ''}`;
}

function compileRule(
  rule: RecipePolicy['rules'][number],
  lookup: readonly Template[],
  canonicalOf: (name: string) => string,
): CompiledRule {
  const globs = lookupGlobs(rule, lookup);
  const lookupKeys = anyOf(globs);
  const canonicals = anyOf(globs?.map(canonicalOf));
  const namespaces = anyOf(rule.namespaces);
  const serviceAccounts = anyOf(rule.serviceAccounts);
  const projects = anyOf(rule.projects);
  const domains = anyOf(rule.domains);
  return {
    name: rule.name,
    // As it is written, too: the `*` of a glob may stand for what the canonical name leaves out.
    names: ({ lookupKey, canonical }) => lookupKeys(lookupKey) || canonicals(canonical),
    namespaces,
    admits: (caller) =>
      namespaces(caller.namespace) &&
      serviceAccounts(caller.serviceAccount) &&
      projects(caller.project) &&
      domains(caller.domain),
  };
}

/** Globs of the lookup keys of the secrets that a rule names. */
function lookupGlobs(rule: RecipePolicy['rules'][number], lookup: readonly Template[]): string[] | undefined {
  const { groups = ['*'], keys = ['*'] } = rule;
  if (rule.groups === undefined && rule.keys === undefined) return undefined;
  return groups.flatMap((group) =>
    keys.flatMap((key) => lookup.map((render) => render(asVariables(group, key)))),
  );
}

function asVariables(group: string, key: string): Variables {
  const any = '*';
  const versionedGroup = `${group}_${any}`;
  return { group, key, groupVersion: any, envVar: any, namespace: any, versionedGroup, id: any, entry: {} };
}

/** Without globs everything matches, also what is absent; with globs what is absent matches none. */
function anyOf(globs: readonly string[] | undefined): Matcher {
  if (globs === undefined) return () => true;
  const compiled = globs.map(compileGlob);
  return (text) => text !== undefined && compiled.some((matches) => matches(text));
}
