import { parseArgs } from 'node:util';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { cacheFolder } from './cache-folder.ts';
import { findPrograms, type Program } from './programs.ts';
import { createProgress } from './progress.ts';

const help = `Finds or builds etcd, kube-apiserver, kubectl and nats-server at the versions that tools/ pins.

Usage: npm run tools -- [--json]

  --json   print what was found as JSON on stdout (progress goes to stderr)
  --help   print this

Looked for in: the folder KUBEBUILDER_ASSETS, PATH (same major and minor version or newer), the cache folder
(LATCHKEY_CACHE, else latchkey in the user's cache folder). What is missing is built with Go into the cache.
`;

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { json: { type: 'boolean' }, help: { type: 'boolean' } } });
  if (values.help) {
    process.stdout.write(help);
    return;
  }
  const programs = await findPrograms({
    cacheFolder: cacheFolder(process.env),
    env: process.env,
    progress: createProgress(process.stderr),
  });
  const list = Object.values(programs);
  process.stdout.write(values.json ? `${JSON.stringify(list, undefined, 2)}\n` : list.map(describe).join(''));
}

const describe = ({ name, version, source, path }: Program): string =>
  `${name.padEnd(15)}${version.padEnd(10)}${source.padEnd(20)}${path}\n`;

try {
  await main();
} catch (error) {
  process.stderr.write(
    error instanceof LatchkeyError ? `${error.message}\n` : `${(error as Error).message}\n\n${help}`,
  );
  process.exitCode = 1;
}
