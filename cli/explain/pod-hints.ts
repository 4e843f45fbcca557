import { secretTitle } from '#shared/core/flyte/secret-request.ts';
import { member, scalarText } from '#shared/core/text/json-object.ts';
import { joinWords, quote } from '#shared/core/text/plain-text.ts';
import type { ExplainedSecret } from './explanation.ts';
import { requestsOf, strayRequests } from './stray-requests.ts';

/** What its author should know of a pod beside the webhook's answer. */
export interface PodHints {
  hints: string[];
  /** Whether the pod would be admitted without the secrets that it asks for. */
  startsWithoutSecrets: boolean;
}

const label = 'inject-flyte-secrets';

/**
 * Says why a pod is not what its author means, where the webhook is not asked and so says nothing.
 * @param before the pod as it was written
 * @param owner the object whose template it is
 */
export function podHints(
  before: unknown,
  owner: unknown,
  { secrets, excluded }: { secrets: readonly ExplainedSecret[]; excluded: string | undefined },
): PodHints {
  const requests = requestsOf(before);
  const labelled = member(member(member(before, 'metadata'), 'labels'), label);
  const isLabelled = labelled === 'true';
  const isUnlabelled = requests.length > 0 && !isLabelled && !isMirror(before);
  const isExcluded = requests.length > 0 && isLabelled && excluded !== undefined;
  return {
    hints: [
      ...(isExcluded ? [notCalled(excluded)] : []),
      ...(requests.length > 0 && isMirror(before) ? [mirror] : []),
      ...(requests.length > 0 && hasEphemeral(before) ? [ephemeral] : []),
      ...(isUnlabelled ? [unlabelled(requests, labelled)] : []),
      ...(requests.length === 0 && typeof labelled === 'boolean' ? [`${unquoted(labelled)}`] : []),
      ...(requests.length === 0 && isLabelled ? [nothingAsked(owner)] : []),
      ...(requests.length === 0 && !isLabelled ? misplaced(owner) : []),
      ...secrets.filter(isWithoutGroup).map(withoutGroup),
    ],
    startsWithoutSecrets: isUnlabelled || isExcluded,
  };
}

const notCalled = (namespace: string): string =>
  `the API server does not call the webhook for namespace ${quote(namespace)}, which the webhook configuration excludes: the pod would start without its secrets`;
const mirror = 'it is the mirror of a static pod, which the kubelet runs as it is: it gets no secrets';
const ephemeral = 'its ephemeral containers get no secrets: they are added to a pod that runs';

function hasEphemeral(pod: unknown): boolean {
  const containers = member(member(pod, 'spec'), 'ephemeralContainers');
  return Array.isArray(containers) && containers.length > 0;
}

const isMirror = (pod: unknown): boolean =>
  member(member(member(pod, 'metadata'), 'annotations'), 'kubernetes.io/config.mirror') !== undefined;

function unlabelled(requests: readonly string[], labelled: unknown): string {
  const [first = ''] = requests;
  const asks = `it asks for ${requests.length === 1 ? 'a secret' : `${requests.length} secrets`} (annotation ${quote(first)}${requests.length === 1 ? '' : ' and others'})`;
  const effect = 'the API server does not call the webhook, and the pod would start without them';
  if (typeof labelled === 'boolean') return `${asks}, but ${unquoted(labelled)}`;
  if (labelled === undefined) return `${asks}, but its label ${label}: "true" is missing: ${effect}`;
  return `${asks}, but its label ${label} is ${quote(scalarText(labelled))} and not "true": ${effect}`;
}

const unquoted = (labelled: boolean): string =>
  `its label ${label} is the boolean ${labelled} and not the text "true": quote it, because the API server refuses a label that is no text`;

function nothingAsked(owner: unknown): string {
  const strays = strayRequests(owner);
  const elsewhere = strays.length > 0 ? `: ${atOwner(strays)}` : '';
  return `it has the label ${label}, but no annotation flyte.secrets/s0, so it asks for nothing${elsewhere}`;
}

const atOwner = (strays: readonly string[]): string =>
  `the annotations at ${joinWords(strays)} do not reach its pods, write them into the metadata of the template`;

function misplaced(owner: unknown): string[] {
  const strays = strayRequests(owner);
  return strays.length > 0 ? [`the object asks for secrets, its template does not: ${atOwner(strays)}`] : [];
}

const isWithoutGroup = ({ group, verdict, message }: ExplainedSecret): boolean =>
  group === '' && verdict !== 'malformed' && message !== undefined;

function withoutGroup(secret: ExplainedSecret): string {
  const title = quote(secretTitle(secret).replace(/^\//, ''));
  return `${title} is asked for without a group, as Flyte 2 does; Flyte's own managers need one: name the group of the secret, or serve such keys with a recipe (docs/recipes.md)`;
}
