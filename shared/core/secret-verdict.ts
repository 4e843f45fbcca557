import type { ErrorCode } from '#shared/contracts/error-registry.ts';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import type { Edit, Mount, VolumeMount } from '#shared/contracts/rule-recipe.ts';
import { askChain, type Rules, type Verdict } from './chain.ts';
import { wordRefusal } from './denial.ts';
import { decodeAnnotation, type SecretRequest, secretTitle } from './secret-request.ts';

/** What became of one request: who injects it and how, or why not. No values. */
export type SecretVerdict = {
  annotation: string;
  /** `malformed` when the annotation could not be decoded, else the decisive answer of the chain. */
  verdict: Verdict['answer'] | 'malformed';
  group: string;
  groupVersion: string;
  key: string;
  manager?: string;
  mount?: Mount;
  /** Names of the variables and paths of the files that hold it. */
  how: string[];
  code?: ErrorCode;
  message?: string;
};

/** A verdict together with what the patch is made of. */
export type DecidedSecret = {
  verdict: SecretVerdict;
  injection?: { title: string; edits: Edit[]; rule: string };
  warning?: string;
  traceparents: string[];
};

/** Decodes one annotation and asks the chain for it. */
export function decideSecret(
  { annotation, value }: { annotation: string; value: string },
  namespace: string,
  rules: Rules,
): DecidedSecret {
  const undecoded = { annotation, group: '', groupVersion: '', key: '', how: [] };
  let request: SecretRequest;
  try {
    request = decodeAnnotation(annotation, value);
  } catch (error) {
    return { verdict: { ...undecoded, verdict: 'malformed', ...refusalOf(error) }, traceparents: [] };
  }
  const { group, groupVersion, key } = request;
  const known = { ...undecoded, group, groupVersion, key };
  const verdicts = askChain(request, namespace, rules);
  const last = verdicts.at(-1);
  if (last?.answer !== 'has') {
    const refusal = wordRefusal(annotation, request, namespace, verdicts);
    return { verdict: { ...known, verdict: answerOf(refusal.code), ...refusal }, traceparents: [] };
  }
  const { manager, mount, recipe, variables, traceparents } = last.grant;
  const granted = { ...known, manager, mount };
  const unheard = verdicts.filter(isStale).map((verdict) => verdict.manager);
  try {
    const edits = recipe.edits[mount](variables);
    const title = secretTitle(request);
    const warning = `manager ${unheard.join(', ')} has not been heard of for a while; secret ${title} is injected as last known`;
    return {
      verdict: { ...granted, verdict: 'has', how: placesOf(edits) },
      injection: { title, edits, rule: `${manager}@${recipe.digest}` },
      traceparents,
      ...(unheard.length > 0 ? { warning } : {}),
    };
  } catch (error) {
    return { verdict: { ...granted, verdict: 'unknown', ...refusalOf(error) }, traceparents: [] };
  }
}

const isStale = (verdict: Verdict): boolean =>
  verdict.answer === 'has' ? verdict.grant.stale : verdict.answer === 'unknown' && verdict.stale;

function refusalOf(error: unknown): { code: ErrorCode; message: string } {
  if (!(error instanceof LatchkeyError)) throw error;
  return { code: error.code, message: error.message };
}

function answerOf(code: ErrorCode): Verdict['answer'] {
  if (code === 'RULES_UNKNOWN') return 'unknown';
  return code === 'SECRET_NOT_FOUND' ? 'lacks' : 'no';
}

const settingPrefix = 'FLYTE_SECRETS_';

/** Where the secret is to be found, in the words of its author: variables and files. */
function placesOf(edits: Edit[]): string[] {
  return edits.flatMap((edit) => {
    if ('env' in edit) return edit.env.name.startsWith(settingPrefix) ? [] : [edit.env.name];
    if ('file' in edit) return [edit.file.path];
    return 'volumeMount' in edit ? filesOf(edit.volumeMount, edits) : [];
  });
}

function filesOf({ name, mountPath }: VolumeMount, edits: Edit[]): string[] {
  const volume = edits.find((edit) => 'volume' in edit && edit.volume.name === name);
  if (volume === undefined || !('volume' in volume) || !('secret' in volume.volume)) return [];
  return volume.volume.secret.items.map(({ path }) => `${mountPath}/${path}`);
}
