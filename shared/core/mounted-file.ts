import { posix } from 'node:path';
import { isWithin } from './planned-file.ts';
import type { PodPlan } from './pod-plan.ts';

type MountedFile = { path: string; title: string };

/** A mount path as the kubelet takes it: below the root, without `.`, `..` and spare slashes. */
export const normalPath = (path: string): string => posix.resolve('/', path);

/**
 * The places below the mounts of a plan where a mount of the user's would hide a secret's file: the file and its
 * folders. The plan's own mounts hide nothing of one another (planned-file.ts saw to that).
 */
export function mountedFiles(plan: PodPlan): ReadonlyMap<string, MountedFile> {
  const places = new Map<string, MountedFile>();
  for (const [mountPath, { value }] of plan.mounts) {
    const top = normalPath(mountPath);
    const items =
      'secrets' in value.volume ? value.volume.secrets.flatMap((source) => [...source.items]) : [];
    const files = [
      ...items.map(([path, item]) => ({ path: normalPath(`${top}/${path}`), title: item.title })),
      ...plan.files.map((file) => ({ path: normalPath(file.path), title: file.title })),
    ].filter(({ path }) => isWithin(path, top));
    for (const file of files) {
      for (let place = file.path; isWithin(place, top) && place !== top; place = posix.dirname(place)) {
        places.set(place, file);
      }
    }
  }
  for (const mountPath of plan.mounts.keys()) places.delete(normalPath(mountPath));
  return places;
}
