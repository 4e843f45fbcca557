import { type SecretRequest, secretTitle } from '#shared/core/flyte/secret-request.ts';
import { askChain, type ChainWork, type Rules } from '#shared/core/rules/chain.ts';
import type { ManagerAnswer, Match } from '#shared/core/rules/manager-answer.ts';
import type { Caller } from '#shared/core/rules/policy/policy.ts';
import { describeAge } from '#shared/core/text/age.ts';
import { truncateShort } from '#shared/core/text/plain-text.ts';

/** A secret that was found, and by which question. */
interface FoundSecret {
  request: SecretRequest;
  caller: Caller;
  /** All answers, `found` included. */
  answers: readonly ManagerAnswer[];
  found: { manager: string; match: Match };
  /** What else the manager has under the same name. */
  alsoReadAs: readonly string[];
}

/** Says what the author of a task may not expect of a secret that is injected. */
export function injectionWarnings(
  { request, caller, answers, found, alsoReadAs }: FoundSecret,
  rules: Rules,
  work: ChainWork,
): string[] {
  const { manager, match } = found;
  return [
    ...answers.filter(isStale).map((stale) => describeStale(stale.manager, rules.ageMs(stale.manager))),
    ...versionWarnings(manager, match, request),
    ...(['group', 'key'] as const)
      .filter((field) => request[field] !== '' && match.recipe.fields[field] === undefined)
      .map((field) => describeIgnored(manager, field, request)),
    ...hidingWarnings(alsoReadAs, manager, request, () =>
      askChain(request, caller, after(manager, rules), work),
    ),
  ];
}

const isStale = (answer: ManagerAnswer): boolean =>
  (answer.kind === 'found' || answer.kind === 'unknown') && answer.stale;

/** Names the manager alone, so that all its secrets share a warning. */
function describeStale(manager: string, ageMs: number): string {
  const since = Number.isFinite(ageMs) ? `for ${describeAge(ageMs)}` : 'since this gateway started';
  return `manager ${truncateShort(manager)} was not heard ${since}: secrets are injected as last known`;
}

function describeIgnored(manager: string, field: 'group' | 'key', request: SecretRequest): string {
  const title = truncateShort(secretTitle(request));
  return `${field} ${truncateShort(request[field])} of secret ${title} is ignored by manager ${manager}`;
}

/** Warns of a version that the manager would ignore in silence. */
function versionWarnings(manager: string, { recipe }: Match, request: SecretRequest): string[] {
  const { groupVersion } = request;
  const rule = recipe.fields.groupVersion;
  if (groupVersion === '' || (rule !== undefined && rule.honoured?.includes(groupVersion) !== false))
    return [];
  const title = truncateShort(secretTitle({ ...request, groupVersion: '' }));
  return [`group_version ${truncateShort(groupVersion)} of secret ${title} is ignored by manager ${manager}`];
}

function after(manager: string, rules: Rules): Rules {
  return { ...rules, chain: rules.chain.slice(rules.chain.indexOf(manager) + 1) };
}

/** Warns of what a later manager has, where the one before it may have another secret under the same name. */
function hidingWarnings(
  [other]: readonly string[],
  manager: string,
  request: SecretRequest,
  askLater: () => ManagerAnswer[],
): string[] {
  if (other === undefined) return [];
  const hidden = askLater().at(-1);
  if (hidden?.kind !== 'found' || hidden.match.recipe.inventory === 'open') return [];
  const title = truncateShort(secretTitle(request));
  return [
    `secret ${title} of ${hidden.manager} is hidden: ${manager} has one name for it and ${truncateShort(other)}`,
  ];
}
