import type { Edit, VolumeMount } from '#shared/contracts/rule-recipe.ts';

const settingPrefix = 'FLYTE_SECRETS_';

/** Where the secret is to be found, in the words of its author: variables and files. */
export function placesOf(edits: Edit[]): string[] {
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
