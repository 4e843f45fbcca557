import { accessSync, constants } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';

/** Names programs of the machine, by path where they are not on PATH, each with the Debian package that holds it. */
export type RequiredPrograms = Readonly<Record<string, string>>;

/** Describes what of a machine decides whether it can run something. */
export interface Machine {
  platform: string;
  isRoot: boolean;
  has(program: string): boolean;
}

/** Where Debian puts its programs; they come before others of the same name on PATH. */
export const debianPath = ['/usr/sbin', '/usr/bin', '/sbin', '/bin'].join(delimiter);

/** Says in one sentence what a machine lacks for `purpose`, and what to do; undefined when it lacks nothing. */
export function describeLack(
  purpose: string,
  programs: RequiredPrograms,
  machine: Machine,
): string | undefined {
  if (machine.platform !== 'linux')
    return `${purpose} needs Linux with its namespaces, and this is ${machine.platform}.`;
  if (!machine.isRoot) return `${purpose} needs mounts and namespaces of its own: run it as root.`;
  const missing = Object.keys(programs).filter((program) => !machine.has(program));
  if (missing.length === 0) return undefined;
  const packages = [...new Set(missing.map((program) => programs[program] ?? ''))];
  return `${purpose} needs ${missing.join(', ')}: apt-get install -y --no-install-recommends ${packages.join(' ')}`;
}

/** Throws the sentence of {@link describeLack} when this machine lacks something. */
export function requirePrograms(purpose: string, programs: RequiredPrograms): void {
  const lack = describeLack(purpose, programs, thisMachine);
  if (lack !== undefined) throw new Error(lack);
}

const thisMachine: Machine = {
  platform: process.platform,
  isRoot: process.getuid?.() === 0,
  has: (program) =>
    isAbsolute(program)
      ? isExecutable(program)
      : debianPath.split(delimiter).some((folder) => isExecutable(join(folder, program))),
};

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
