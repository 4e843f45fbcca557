import { createHash, randomUUID } from 'node:crypto';
import { access, constants, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { withBuildLock } from './build-lock.ts';
import type { Progress } from './progress.ts';
import { requireGo, runGo } from './run-go.ts';

/** A program to be compiled from a Go module of this repository. */
export interface GoProgram {
  name: string;
  version: string;
  /** Folder of the go.mod. */
  moduleFolder: string;
  /** Package of the program, as `go build` takes it. */
  package: string;
  /** Added to `-s -w`. */
  linkerFlags: string;
}

export interface BuildContext {
  cacheFolder: string;
  env: NodeJS.ProcessEnv;
  progress: Progress;
}

/**
 * Path of the program in the cache, compiled first when it is not there yet. One compilation at a time per cache
 * (kube-apiserver alone takes minutes on all cores); safe when several processes ask at once.
 * Throws TOOL_MISSING when Go is absent, too old, or the build fails.
 */
export async function buildGoProgram(program: GoProgram, context: BuildContext): Promise<string> {
  const path = await cachedPath(program, context.cacheFolder);
  if (await isExecutable(path)) return path;
  await requireGo(program.moduleFolder, context.env);
  await mkdir(dirname(path), { recursive: true });
  const announce = (holder: string) =>
    context.progress.start(`Waiting for the build that ${holder} runs in ${context.cacheFolder}`)('waiting');
  await withBuildLock(join(context.cacheFolder, 'build.lock'), announce, async () => {
    if (!(await isExecutable(path))) await compile(program, path, context);
  });
  return path;
}

/** Where a build of the program lands; everything that changes the binary is part of the path. */
export async function cachedPath(program: GoProgram, cacheFolder: string): Promise<string> {
  const hash = createHash('sha256').update(program.package).update(program.linkerFlags);
  const names = (await readdir(program.moduleFolder)).filter((name) => /^go\.(mod|sum)$|\.go$/.test(name));
  for (const name of names.sort()) {
    hash.update(name).update(await readFile(join(program.moduleFolder, name)));
  }
  const platform = `${process.platform}-${process.arch}`;
  const key = `${program.version}-${hash.digest('hex').slice(0, 12)}-${platform}`;
  return join(cacheFolder, 'programs', program.name, key, program.name);
}

export async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

async function compile(program: GoProgram, path: string, { env, progress }: BuildContext): Promise<void> {
  const temporary = `${path}.${randomUUID()}`;
  const done = progress.start(`Building ${program.name} ${program.version} (first time only)`);
  const flags = ['-trimpath', '-buildvcs=false', '-ldflags', `-s -w ${program.linkerFlags}`.trim()];
  const { code, output } = await runGo(
    ['build', ...flags, '-o', temporary, program.package],
    program.moduleFolder,
    env,
  );
  if (code !== 0) {
    done('failed');
    await rm(temporary, { force: true });
    throw new LatchkeyError(
      'TOOL_MISSING',
      `Building ${program.name} ${program.version} with \`go build\` in ${program.moduleFolder} failed: ${output.trim().slice(-2_000)}`,
      { fields: { program: program.name } },
    );
  }
  await rename(temporary, path);
  done('built');
}
