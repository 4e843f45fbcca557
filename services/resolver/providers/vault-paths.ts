import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import type { Listing } from './provider.ts';
import type { VaultSession } from './vault-session.ts';

/** Folders that are asked for at once: one tenant's many are not all waited for, one after another. */
const foldersAtOnce = 8;
/** Levels of folders in a mount; more make no path that anybody types. */
const mostLevels = 64;

/** Where a mount is listed, and how its paths are named. */
interface Root {
  listed: string;
  named: string;
}

/** A folder below the root, and its names once they are asked for. */
interface Folder {
  path: string;
  level: number;
  names?: Promise<() => string[]>;
}

/** What is needed to list one mount. */
interface Walk {
  session: VaultSession;
  root: Root;
  listing: Listing;
}

/** Lists a mount. Where a folder was refused the mount is asked again: with a token that ended all of them are. */
export async function* vaultPaths(
  session: VaultSession,
  root: Root,
  listing: Listing,
): AsyncIterable<string> {
  listing.enter(root.named);
  let refused = 0;
  const names = Promise.resolve(await session.list(root.listed));
  const walk: Walk = { session, root, listing };
  for await (const path of pathsBelow(walk, { path: '', level: 0, names }, () => refused++)) {
    yield `${root.named}${path}`;
  }
  if (refused > 0) await session.list(root.listed);
}

/** Lists folder after folder, always in the same order; the next ones are asked for meanwhile. */
async function* pathsBelow(walk: Walk, first: Folder, onRefused: () => void): AsyncIterable<string> {
  const { root, listing } = walk;
  /** What is still to be listed, the next one last. */
  const waiting = [first];
  for (let folder = next(walk, waiting); folder !== undefined; folder = next(walk, waiting)) {
    if (!listing.wants(`${root.named}${folder.path}`)) continue;
    const { secrets, folders } = sort(walk, folder, await namesOf(walk, folder, onRefused));
    yield* secrets;
    for (const one of folders) waiting.push(one);
  }
}

/** Takes the next folder, once it and those that follow are asked for. */
function next({ session, root, listing }: Walk, waiting: Folder[]): Folder | undefined {
  for (const folder of waiting.slice(-foldersAtOnce).reverse()) {
    if (folder.names !== undefined || !listing.wants(`${root.named}${folder.path}`)) continue;
    folder.names = session.list(`${root.listed}${folder.path}`);
    // It is waited for later, if at all.
    folder.names.catch(() => undefined);
  }
  return waiting.pop();
}

/** Sorts the names in a folder. One that ends with a slash is a folder, charged from now on; the first of them stands last. */
function sort(
  { root, listing }: Walk,
  { path: above, level }: Folder,
  names: readonly string[],
): { secrets: string[]; folders: Folder[] } {
  const secrets: string[] = [];
  const folders: Folder[] = [];
  for (const name of names) {
    const path = `${above}${name}`;
    const segment = name.replace(/\/$/, '');
    if (!isSegment(segment)) listing.leaveOut(`${root.named}${path}`, 'no path of an URL can have this name');
    else if (segment === name) secrets.push(path);
    else if (level >= mostLevels) {
      listing.leaveOut(`${root.named}${path}`, `it lies below more than ${mostLevels} folders`);
    } else {
      listing.charge(`${root.named}${path}`);
      folders.push({ path, level: level + 1 });
    }
  }
  return { secrets, folders: folders.reverse() };
}

/** Whether it arrives as it is sent: `.` and `..` never do, and half a character cannot be encoded. */
const isSegment = (name: string): boolean =>
  !['', '.', '..'].includes(name) && !name.includes('/') && name.isWellFormed();

/** Answers that are about the path, and not about Vault: bad request, forbidden, not found, not allowed, too long. */
const aboutPath: readonly unknown[] = [400, 403, 404, 405, 414, 431];

async function namesOf({ root, listing }: Walk, folder: Folder, onRefused: () => void): Promise<string[]> {
  const named = `${root.named}${folder.path}`;
  try {
    return (await folder.names)?.() ?? [];
  } catch (error) {
    if (!(error instanceof LatchkeyError)) throw error;
    if (error.code === 'SET_TOO_LARGE') listing.keepFormer(named, error.message);
    else if (aboutPath.includes(error.fields.status)) {
      onRefused();
      listing.leaveOut(named, error.message);
    } else throw error;
    return [];
  }
}
