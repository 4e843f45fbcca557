import { isDeepStrictEqual } from 'node:util';
import type { MutatingWebhook } from '#shared/kubernetes/webhook-configurations.ts';

/** A field of our entry that is not as it has to be. */
export interface FieldDrift {
  /** Below the entry: `failurePolicy`, `clientConfig.caBundle`. */
  field: string;
  /** What the field has to be; undefined: absent. */
  value: unknown;
}

/** One term of a label selector; `values` is no list of ours where a platform wrote it. */
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
/** By which our own term of the namespaceSelector is known: it always excludes this one. */
const alwaysExcluded = 'kube-system';

/**
 * The fields that differ from what they have to be. Of a selector only our own terms are: platforms add theirs (GKE
 * Autopilot in the same write, AKS by a controller), which can only narrow it, and nobody can opt out.
 */
export function findDrift(entry: MutatingWebhook, desired: MutatingWebhook): FieldDrift[] {
  const fields = [...new Set([...Object.keys(desired), ...Object.keys(entry)])];
  return fields.flatMap((field) => {
    if (field === 'clientConfig') return clientConfigDrift(entry, desired);
    const value = isSelector(field) ? withOwnTerms(entry[field], desired[field]) : desired[field];
    return isDeepStrictEqual(entry[field], value) ? [] : { field, value };
  });
}

/** Terms in the selectors that are not ours, as `namespaceSelector: control-plane NotIn (true)`. */
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

/** Each part is a field of its own: a new bundle must not wait for a repair of the address. */
function clientConfigDrift(entry: MutatingWebhook, desired: MutatingWebhook): FieldDrift[] {
  const [actual, wanted] = [entry.clientConfig, desired.clientConfig];
  const parts = [...new Set([...Object.keys(wanted), ...Object.keys(actual)])];
  return parts
    .filter((part) => !isDeepStrictEqual(actual[part], wanted[part]))
    .map((part) => ({ field: `clientConfig.${part}`, value: wanted[part] }));
}

/** The selector as it is when it holds our terms, else with them put right. */
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

/** Whether we wrote the term, perhaps with other namespaces. */
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
