import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { FolderAnswers, foldersAtOnce } from './folder-answers.ts';
import type { Listing } from './provider.ts';
import type { FolderNames, VaultSession } from './vault-session.ts';

/** Levels of folders in a mount; more make no path that anybody types. */
const mostLevels = 64;

/** Where a mount is listed, and how its paths are named. */
interface Root {
  listed: string;
  named: string;
}

/** A folder below the root. */
interface Folder {
  path: string;
  level: number;
}

/** What is needed to list one mount. */
interface Walk {
  session: VaultSession;
  answers: FolderAnswers;
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
  const walk: Walk = { session, answers: new FolderAnswers(session), root, listing };
  const first = await session.list(root.listed);
  for await (const path of pathsBelow(walk, first, () => refused++)) yield `${root.named}${path}`;
  if (refused > 0) await session.list(root.listed);
}

/** Lists folder after folder, always in the same order; the next ones are asked for meanwhile. */
async function* pathsBelow(walk: Walk, first: FolderNames, onRefused: () => void): AsyncIterable<string> {
  const { answers, root, listing } = walk;
  const top = sort(walk, { path: '', level: 0 }, first.parse());
  yield* top.secrets;
  /** What is still to be listed, the next one last. */
  const waiting = top.folders;
  for (let folder = next(walk, waiting); folder !== undefined; folder = next(walk, waiting)) {
    const early = answers.take(`${root.listed}${folder.path}`);
    if (!listing.wants(`${root.named}${folder.path}`)) continue;
    const { secrets, folders } = sort(walk, folder, await namesOf(walk, folder, { early, onRefused }));
    yield* secrets;
    for (const one of folders) waiting.push(one);
  }
}

/** Takes the next folder, once it and those that follow are asked for. */
function next({ answers, root, listing }: Walk, waiting: Folder[]): Folder | undefined {
  const nextOnes = waiting.slice(-foldersAtOnce).reverse();
  const wanted = nextOnes.filter(({ path }) => listing.wants(`${root.named}${path}`));
  answers.askAhead(wanted.map(({ path }) => `${root.listed}${path}`));
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

async function namesOf(
  { session, root, listing }: Walk,
  { path }: Folder,
  { early, onRefused }: { early: Promise<FolderNames> | undefined; onRefused: () => void },
): Promise<string[]> {
  const named = `${root.named}${path}`;
  try {
    const names = await (early ?? session.list(`${root.listed}${path}`));
    return names.parse();
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
