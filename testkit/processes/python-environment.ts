import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { access, mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { withBuildLock } from '#tools/build-lock.ts';
import { cacheFolder } from '#tools/cache-folder.ts';
import { createProgress } from '#tools/progress.ts';

const run = promisify(execFile);

/** Packages of one virtual environment. */
interface PythonPackages {
  /** Folder in the cache, and what progress calls it. */
  name: string;
  /** Of the packages, part of the folder. */
  version: string;
  /** What pip installs, pinned. */
  requirements: readonly string[];
}

/**
 * Path of a Python that has the packages, in a virtual environment in the cache folder, made first when it is not there
 * yet. Throws TOOL_MISSING with one sentence when there is no python3, or the packages cannot be installed.
 */
export async function pythonEnvironmentWith(
  packages: PythonPackages,
  env: NodeJS.ProcessEnv,
): Promise<string> {
  const { name, version } = packages;
  const cache = cacheFolder(env);
  const python = await pythonVersion(name);
  const folder = join(cache, name, `${version}-python-${python}-${process.platform}-${process.arch}`);
  const program = join(folder, 'bin/python');
  if (await exists(program)) return program;
  await mkdir(dirname(folder), { recursive: true });
  const progress = createProgress(process.stderr);
  const announce = (holder: string) =>
    progress.start(`Waiting for ${holder}, which fills ${cache}`)('waiting');
  await withBuildLock(join(cache, `${name}.lock`), announce, async () => {
    if (await exists(program)) return;
    const done = progress.start(`Installing ${name} ${version} (first time only)`);
    await install(packages, folder).catch((error: unknown) => {
      done('failed');
      throw error;
    });
    done('installed');
  });
  return program;
}

async function pythonVersion(name: string): Promise<string> {
  try {
    const { stdout } = await run('python3', ['-c', 'import sys; print(*sys.version_info[:2], sep=".")']);
    return stdout.trim();
  } catch (cause) {
    throw new LatchkeyError(
      'TOOL_MISSING',
      `Python is needed to run ${name}, and no program \`python3\` that works is on PATH: install Python 3.10 or newer.`,
      { cause },
    );
  }
}

/** A virtual environment may be moved as long as nothing but its `bin/python` is run. */
async function install({ name, version, requirements }: PythonPackages, folder: string): Promise<void> {
  const temporary = `${folder}.${randomUUID()}`;
  try {
    await run('python3', ['-m', 'venv', temporary]);
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check'];
    await run(join(temporary, 'bin/python'), [...pip, ...requirements]);
  } catch (cause) {
    await rm(temporary, { recursive: true, force: true });
    const output = cause instanceof Error && 'stderr' in cause ? String(cause.stderr) : String(cause);
    throw new LatchkeyError(
      'TOOL_MISSING',
      `${name} ${version} could not be installed into a virtual environment: install Python's venv and pip, and let pip reach its package index. ${output.trim().slice(-1_000)}`,
      { cause },
    );
  }
  await rename(temporary, folder);
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
