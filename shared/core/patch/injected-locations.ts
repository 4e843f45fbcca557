import type { Edit, VolumeMount } from '#shared/contracts/rules/rule-recipe.ts';
import { isSecretSetting } from '#shared/core/flyte/secret-setting.ts';

/** Most places that are told of one secret: a recipe may mount a volume of many files at many places. */
const mostPlaces = 256;

/** Lists where the secret is to be found, as its author knows it: variables and files. */
export function injectedLocations(edits: Edit[]): string[] {
  return firstPlaces(edits, (edit) => {
    if ('env' in edit) return isSecretSetting(edit.env.name) ? [] : [edit.env.name];
    return filesOfEdit(edit, edits);
  });
}

function firstPlaces(edits: Edit[], placesOf: (edit: Edit) => string[]): string[] {
  const places: string[] = [];
  for (const edit of edits) {
    if (places.length >= mostPlaces) break;
    places.push(...placesOf(edit).slice(0, mostPlaces - places.length));
  }
  return places;
}

function filesOfEdit(edit: Edit, edits: Edit[]): string[] {
  if ('file' in edit) return [edit.file.path];
  return 'volumeMount' in edit ? filesOf(edit.volumeMount, edits) : [];
}

/** Lists the variables that hold the path of one of the files, and not the secret. */
export function pathVariables(edits: Edit[]): string[] {
  let files: ReadonlySet<string> | undefined;
  const names: string[] = [];
  for (const edit of edits) {
    if (!('env' in edit) || !('value' in edit.env) || isSecretSetting(edit.env.name)) continue;
    files ??= new Set(firstPlaces(edits, (each) => filesOfEdit(each, edits)));
    if (files.has(edit.env.value)) names.push(edit.env.name);
  }
  return names;
}

/** Tells whether the edits bring a secret into a pod. Settings, statements and a volume that nothing mounts do not. */
export function providesSecret(edits: readonly Edit[]): boolean {
  let volumes: ReadonlySet<string> | undefined;
  for (const edit of edits) {
    if ('initContainer' in edit || 'annotation' in edit) return true;
    if ('env' in edit && !isSecretSetting(edit.env.name)) return true;
    if (!('volumeMount' in edit)) continue;
    volumes ??= volumeNames(edits);
    if (volumes.has(edit.volumeMount.name)) return true;
  }
  return false;
}

function volumeNames(edits: readonly Edit[]): ReadonlySet<string> {
  const names = new Set<string>();
  for (const edit of edits) if ('volume' in edit) names.add(edit.volume.name);
  return names;
}

/** Longest path that Linux takes, and longest name in one (PATH_MAX, NAME_MAX), in bytes. */
const longestPath = 4_095;
const longestFileName = 255;
/** Characters of which no path is too long: each has at most three bytes. */
const shortPath = longestFileName / 3;

/**
 * A path of the edits at which nothing can be put: the kubelet or Linux refuses it (docs/reference/kube-apiserver.md C47), or it
 * leads out of its folder. With what is wrong, a sentence without its end; undefined when there is none.
 */
export function impossiblePath(edits: readonly Edit[]): { path: string; fault: string } | undefined {
  for (const edit of edits) {
    for (const path of pathsOf(edit)) {
      const fault = pathFault(path) ?? faultOf(edit, path);
      if (fault !== undefined) return { path, fault };
    }
  }
  return undefined;
}

function pathFault(path: string): string | undefined {
  if (path.length <= shortPath && !path.includes('..')) return undefined;
  // One character for each byte.
  const bytes = Buffer.from(path).toString('latin1');
  if (/(?:^|\/)\.\.(?:\/|$)/.test(bytes)) return '".." may not be part of a path';
  if (bytes.length > longestPath) return `a path may have at most ${longestPath} bytes`;
  if (/[^/]{256}/.test(bytes)) return `a name in a path may have at most ${longestFileName} bytes`;
  return undefined;
}

/** What is wrong with a path for what the edit does there. A file of a volume lies below the volume's own place. */
function faultOf(edit: Edit, path: string): string | undefined {
  if ('volumeMount' in edit && /^\/[./]*$/.test(path)) return 'nothing can be mounted there';
  if (!('volume' in edit)) return undefined;
  if (path.startsWith('..')) return 'the file of a volume may not begin with ".."';
  return path.startsWith('/') ? 'the file of a volume may not begin with "/"' : undefined;
}

function pathsOf(edit: Edit): string[] {
  if ('file' in edit) return [edit.file.path];
  if ('volumeMount' in edit) return [edit.volumeMount.mountPath];
  if ('initContainer' in edit) {
    return (edit.initContainer.volumeMounts ?? []).map(({ mountPath }) => mountPath);
  }
  if (!('volume' in edit) || !('secret' in edit.volume)) return [];
  return edit.volume.secret.items.map(({ path }) => path);
}

function filesOf({ name, mountPath }: VolumeMount, edits: Edit[]): string[] {
  const volume = edits.find((edit) => 'volume' in edit && edit.volume.name === name);
  if (volume === undefined || !('volume' in volume) || !('secret' in volume.volume)) return [];
  return volume.volume.secret.items.slice(0, mostPlaces).map(({ path }) => `${mountPath}/${path}`);
}
