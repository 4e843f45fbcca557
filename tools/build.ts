import { parseArgs } from 'node:util';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { cacheFolder } from './cache-folder.ts';
import type { BuildContext } from './go-program.ts';
import { buildNodePrograms } from './node-programs.ts';
import { nodePrograms } from './pinned-programs.ts';
import { findPrograms, type Program } from './programs.ts';
import { createProgress } from './progress.ts';

const help = `Finds or builds etcd, kube-apiserver, kubectl and nats-server at the versions that tools/ pins.

Usage: npm run tools -- [--node] [--json]

  --node   build what a real node needs too: kubelet, kube-proxy, kube-scheduler, kube-controller-manager, CoreDNS, pause
  --json   print what was found as JSON on stdout (progress goes to stderr)
  --help   print this

Looked for in: the folder KUBEBUILDER_ASSETS, PATH (same major and minor version or newer), the cache folder
(LATCHKEY_CACHE, else latchkey in the user's cache folder). What is missing is built with Go into the cache.
`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { node: { type: 'boolean' }, json: { type: 'boolean' }, help: { type: 'boolean' } },
  });
  if (values.help) {
    process.stdout.write(help);
    return;
  }
  const progress = createProgress(process.stderr);
  const context = { cacheFolder: cacheFolder(process.env), env: process.env, progress };
  const programs: Listed[] = Object.values(await findPrograms(context));
  const list = values.node ? [...programs, ...(await listNodePrograms(context))] : programs;
  process.stdout.write(values.json ? `${JSON.stringify(list, undefined, 2)}\n` : list.map(describe).join(''));
}

/** A program of either kind, as it is printed. */
type Listed = Pick<Program, 'version' | 'path'> & { name: string; source: string };

async function listNodePrograms(context: BuildContext): Promise<Listed[]> {
  const paths = await buildNodePrograms(context);
  return nodePrograms.map(({ name, version }) => ({ name, version, source: 'cache', path: paths[name] }));
}

const describe = ({ name, version, source, path }: Listed): string =>
  `${name.padEnd(25)}${version.padEnd(10)}${source.padEnd(20)}${path}\n`;

try {
  await main();
} catch (error) {
  process.stderr.write(
    error instanceof LatchkeyError ? `${error.message}\n` : `${(error as Error).message}\n\n${help}`,
  );
  process.exitCode = 1;
}
