import { isDeepStrictEqual } from 'node:util';
import type { MutatingWebhook } from '#shared/kubernetes/objects/webhook-configurations.ts';

/** Describes a field of our entry that differs from the desired one. */
export interface FieldDrift {
  /** The path below the entry: `failurePolicy`, `clientConfig.caBundle`. */
  field: string;
  /** The desired value; undefined: absent. */
  value: unknown;
}

/** Describes one term of a label selector; `values` may be missing where a platform wrote it. */
interface Term {
  key: string;
  operator: string;
  values?: string[];
}
interface Selector {
  matchLabels?: Record<string, string>;
  matchExpressions?: Term[];
}

const selectors = ['namespaceSelector', 'objectSelector'] as const;
/** Identifies our own term of the namespaceSelector, which always excludes this namespace. */
const alwaysExcluded = 'kube-system';

/**
 * Lists the fields that differ from the desired entry. Of a selector only our own terms count: platforms add theirs
 * (GKE Autopilot in the same write, AKS by a controller), which can only narrow it, and nobody can opt out.
 */
export function findWebhookDrift(entry: MutatingWebhook, desired: MutatingWebhook): FieldDrift[] {
  const fields = [...new Set([...Object.keys(desired), ...Object.keys(entry)])];
  return fields.flatMap((field) => {
    if (field === 'clientConfig') return clientConfigDrift(entry, desired);
    const value = isSelector(field) ? withOwnTerms(entry[field], desired[field]) : desired[field];
    return isDeepStrictEqual(entry[field], value) ? [] : { field, value };
  });
}

/** Lists the selector terms of others, as `namespaceSelector: control-plane NotIn (true)`. */
export function addedTerms(entry: MutatingWebhook, desired: MutatingWebhook): string[] {
  return selectors.flatMap((field) => {
    const { matchExpressions = [], matchLabels = {} } = (entry[field] ?? {}) as Selector;
    const own = (desired[field] ?? {}) as Selector;
    const terms = matchExpressions
      .filter((term) => !own.matchExpressions?.some((each) => isSameTerm(each, term)))
      .map(({ key, operator, values = [] }) => `${key} ${operator} (${values.join(', ')})`);
    const labels = Object.entries(matchLabels)
      .filter(([key]) => own.matchLabels?.[key] === undefined)
      .map(([key, value]) => `${key}=${value}`);
    return [...terms, ...labels].map((term) => `${field}: ${term}`);
  });
}

const isSelector = (field: string): boolean => selectors.some((selector) => selector === field);

/**
 * Compares each part of clientConfig by itself: a new bundle must not wait for a repair of the address.
 */
function clientConfigDrift(entry: MutatingWebhook, desired: MutatingWebhook): FieldDrift[] {
  const [actual, wanted] = [entry.clientConfig, desired.clientConfig];
  const parts = [...new Set([...Object.keys(wanted), ...Object.keys(actual)])];
  return parts
    .filter((part) => !isDeepStrictEqual(actual[part], wanted[part]))
    .map((part) => ({ field: `clientConfig.${part}`, value: wanted[part] }));
}

/** Returns the selector unchanged when it holds our terms, else with our terms corrected. */
function withOwnTerms(actual: unknown, desired: unknown): unknown {
  const { matchExpressions = [], matchLabels = {}, ...rest } = (actual ?? {}) as Selector;
  const own = (desired ?? {}) as Selector;
  const hasLabels = Object.entries(own.matchLabels ?? {}).every(([key, value]) => matchLabels[key] === value);
  const ownTerms = own.matchExpressions ?? [];
  const hasTerms = ownTerms.every((term) => matchExpressions.some((each) => isSameTerm(each, term)));
  const stale = matchExpressions.filter(
    (term) => isOwnTerm(term, ownTerms) && !ownTerms.some((each) => isSameTerm(each, term)),
  );
  if (hasLabels && hasTerms && stale.length === 0) return actual;
  const others = matchExpressions.filter((term) => !isOwnTerm(term, ownTerms));
  const labels = { ...matchLabels, ...own.matchLabels };
  const terms = [...ownTerms, ...others];
  return {
    ...rest,
    ...(Object.keys(labels).length === 0 ? {} : { matchLabels: labels }),
    ...(terms.length === 0 ? {} : { matchExpressions: terms }),
  };
}

/** Tells whether we wrote the term, perhaps with other namespaces. */
function isOwnTerm(term: Term, ownTerms: readonly Term[]): boolean {
  return ownTerms.some(
    (own) =>
      own.key === term.key &&
      own.operator === term.operator &&
      own.values?.slice(0, 2).every((value) => term.values?.includes(value)) === true &&
      own.values.includes(alwaysExcluded),
  );
}

const isSameTerm = (a: Term, b: Term): boolean =>
  a.key === b.key &&
  a.operator === b.operator &&
  isDeepStrictEqual(new Set(a.values ?? []), new Set(b.values ?? []));
