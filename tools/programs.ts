import { execFile } from 'node:child_process';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { type BuildContext, buildGoProgram, cachedPath, isExecutable } from './go-program.ts';
import { type PinnedProgram, type ProgramName, pinnedPrograms } from './pinned-programs.ts';
import { isSufficient, parseProgramVersion } from './program-version.ts';

/** A program ready to run, and where it was found. */
export interface Program {
  name: ProgramName;
  path: string;
  version: string;
  source: 'KUBEBUILDER_ASSETS' | 'PATH' | 'cache' | 'built';
}

const versionTimeoutMs = 20_000;

/**
 * Finds every program: in the folder `KUBEBUILDER_ASSETS`, on `PATH` (both only at a sufficient version), in the cache,
 * and builds what is left, one after another. Throws TOOL_MISSING as {@link buildGoProgram} does.
 */
export async function findPrograms(context: BuildContext): Promise<Record<ProgramName, Program>> {
  const present = await Promise.all(pinnedPrograms.map((pinned) => findPresent(pinned, context)));
  const found: [ProgramName, Program][] = [];
  for (const [index, pinned] of pinnedPrograms.entries()) {
    const program = present[index] ?? {
      name: pinned.name,
      path: await buildGoProgram(pinned, context),
      version: pinned.version,
      source: 'built' as const,
    };
    found.push([pinned.name, program]);
  }
  return Object.fromEntries(found) as Record<ProgramName, Program>;
}

async function findPresent(pinned: PinnedProgram, context: BuildContext): Promise<Program | undefined> {
  for (const { folder, source } of searchFolders(context.env)) {
    const path = join(folder, pinned.name);
    const version = await programVersion(path, pinned.versionArguments);
    if (version !== undefined && isSufficient(version, pinned.version)) {
      return { name: pinned.name, path, version, source };
    }
  }
  const path = await cachedPath(pinned, context.cacheFolder);
  if (!(await isExecutable(path))) return undefined;
  return { name: pinned.name, path, version: pinned.version, source: 'cache' };
}

/** Folders in which programs of the machine are looked for, in order. */
export function searchFolders(
  env: NodeJS.ProcessEnv,
): { folder: string; source: 'KUBEBUILDER_ASSETS' | 'PATH' }[] {
  const assets = env.KUBEBUILDER_ASSETS ? [env.KUBEBUILDER_ASSETS] : [];
  const path = (env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  return [
    ...assets.map((folder) => ({ folder, source: 'KUBEBUILDER_ASSETS' as const })),
    ...[...new Set(path)].map((folder) => ({ folder, source: 'PATH' as const })),
  ];
}

/** The version a program reports of itself, as `v1.36.3`; undefined when it is absent or does not tell. */
async function programVersion(path: string, args: readonly string[]): Promise<string | undefined> {
  if (!(await isExecutable(path))) return undefined;
  try {
    const { stdout, stderr } = await promisify(execFile)(path, args, { timeout: versionTimeoutMs });
    return parseProgramVersion(stdout || stderr);
  } catch {
    return undefined;
  }
}
