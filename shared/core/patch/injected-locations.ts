import type { Edit, VolumeMount } from '#shared/contracts/rules/rule-recipe.ts';
import { isSecretSetting } from '#shared/core/flyte/secret-setting.ts';

/** Lists where the secret is to be found, as its author knows it: variables and files. */
export function injectedLocations(edits: Edit[]): string[] {
  return edits.flatMap((edit) => {
    if ('env' in edit) return isSecretSetting(edit.env.name) ? [] : [edit.env.name];
    return filesOfEdit(edit, edits);
  });
}

function filesOfEdit(edit: Edit, edits: Edit[]): string[] {
  if ('file' in edit) return [edit.file.path];
  return 'volumeMount' in edit ? filesOf(edit.volumeMount, edits) : [];
}

/** Lists the variables that hold the path of one of the files, and not the secret. */
export function pathVariables(edits: Edit[]): string[] {
  const files = new Set(edits.flatMap((edit) => filesOfEdit(edit, edits)));
  return edits.flatMap((edit) =>
    'env' in edit && 'value' in edit.env && !isSecretSetting(edit.env.name) && files.has(edit.env.value)
      ? [edit.env.name]
      : [],
  );
}

/** Tells whether the edits bring a secret into a pod. Settings, statements and a volume that nothing mounts do not. */
export function providesSecret(edits: readonly Edit[]): boolean {
  const volumes = new Set(edits.flatMap((edit) => ('volume' in edit ? [edit.volume.name] : [])));
  return edits.some((edit) => {
    if ('env' in edit) return !isSecretSetting(edit.env.name);
    if ('volumeMount' in edit) return volumes.has(edit.volumeMount.name);
    return 'initContainer' in edit || 'annotation' in edit;
  });
}

/** A path of the edits with a segment `..`, which would lead out of its folder; undefined when there is none. */
export function escapingPath(edits: readonly Edit[]): string | undefined {
  return edits.flatMap(pathsOf).find((path) => /(?:^|\/)\.\.(?:\/|$)/.test(path));
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
  return volume.volume.secret.items.map(({ path }) => `${mountPath}/${path}`);
}
