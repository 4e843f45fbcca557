import { secretTitle } from '#shared/core/flyte/secret-request.ts';
import { isObject, member } from '#shared/core/text/json-object.ts';
import { quote } from '#shared/core/text/plain-text.ts';
import type { ExplainedSecret } from './explanation.ts';

/** What its author should know of a pod beside the webhook's answer. */
export interface PodHints {
  hints: string[];
  /** Whether the pod would be admitted without the secrets that it asks for. */
  startsWithoutSecrets: boolean;
}

const label = 'inject-flyte-secrets';
const requestKey = /^flyte\.secrets\/s[0-9]{1,63}$/;

/**
 * Says why a pod is not what its author means, where the webhook is not asked and so says nothing.
 * @param before the pod as it was written
 * @param owner the object whose template it is
 */
export function podHints(before: unknown, owner: unknown, secrets: readonly ExplainedSecret[]): PodHints {
  const requests = requestsOf(before);
  const labelled = member(member(member(before, 'metadata'), 'labels'), label);
  const isLabelled = labelled === 'true';
  const startsWithoutSecrets = requests.length > 0 && !isLabelled && !isMirror(before);
  return {
    hints: [
      ...(startsWithoutSecrets ? [unlabelled(requests, labelled)] : []),
      ...(requests.length === 0 && typeof labelled === 'boolean' ? [`${unquoted(labelled)}`] : []),
      ...(requests.length === 0 && isLabelled ? [nothingAsked(owner)] : []),
      ...(requests.length === 0 && !isLabelled ? misplaced(owner) : []),
      ...secrets.filter(isWithoutGroup).map(withoutGroup),
    ],
    startsWithoutSecrets,
  };
}

const isMirror = (pod: unknown): boolean =>
  member(member(member(pod, 'metadata'), 'annotations'), 'kubernetes.io/config.mirror') !== undefined;

function requestsOf(object: unknown): string[] {
  const annotations = member(member(object, 'metadata'), 'annotations');
  return isObject(annotations) ? Object.keys(annotations).filter((name) => requestKey.test(name)) : [];
}

function unlabelled(requests: readonly string[], labelled: unknown): string {
  const [first = ''] = requests;
  const asks = `it asks for ${requests.length === 1 ? 'a secret' : `${requests.length} secrets`} (annotation ${quote(first)}${requests.length === 1 ? '' : ' and others'})`;
  const effect = 'the API server does not call the webhook, and the pod would start without them';
  if (typeof labelled === 'boolean') return `${asks}, but ${unquoted(labelled)}`;
  if (labelled === undefined) return `${asks}, but its label ${label}: "true" is missing: ${effect}`;
  return `${asks}, but its label ${label} is ${quote(String(labelled))} and not "true": ${effect}`;
}

const unquoted = (labelled: boolean): string =>
  `its label ${label} is the boolean ${labelled} and not the text "true": quote it, because the API server refuses a label that is no text`;

function nothingAsked(owner: unknown): string {
  const elsewhere = requestsOf(owner).length > 0 ? `: ${atOwner}` : '';
  return `it has the label ${label}, but no annotation flyte.secrets/s0, so it asks for nothing${elsewhere}`;
}

const atOwner =
  'the annotations of the object itself do not reach its pods, write them into the metadata of the template';

function misplaced(owner: unknown): string[] {
  return requestsOf(owner).length > 0
    ? [`the object asks for secrets, its template does not: ${atOwner}`]
    : [];
}

const isWithoutGroup = ({ group, verdict, message }: ExplainedSecret): boolean =>
  group === '' && verdict !== 'malformed' && message !== undefined;

function withoutGroup(secret: ExplainedSecret): string {
  const title = quote(secretTitle(secret).replace(/^\//, ''));
  return `${title} is asked for without a group, as Flyte 2 does; Flyte's own managers need one: name the group of the secret, or serve such keys with a recipe (docs/recipes.md)`;
}
