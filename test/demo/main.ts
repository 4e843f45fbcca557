import process from 'node:process';
import { parseArgs } from 'node:util';
import type { RunningInstallation } from '#testkit/installation/running-installation.ts';
import { runDemo } from './demo.ts';
import { createNarrator, summarize, summarizeFailure, untilInterrupted } from './narrator.ts';

const help = `Usage: npm run demo -- [--keep] [--help]

Runs latchkey on a real etcd, kube-apiserver and nats-server on this machine and shows its main job, each step checked
and timed. The programs are built the first time (about 5 minutes), then taken from the cache.

  --keep   leave everything running at the end and print the kubectl line; Ctrl-C stops it
  --help   this text

Exit codes: 0 every step held, 1 a step failed.
`;

const { values } = parseArgs({ options: { keep: { type: 'boolean' }, help: { type: 'boolean' } } });

if (values.help) process.stdout.write(help);
else process.exitCode = await main(values.keep === true);

async function main(keep: boolean): Promise<number> {
  const narrator = createNarrator({
    write: (text) => process.stdout.write(text),
    color: process.stdout.isTTY,
  });
  let installation: RunningInstallation | undefined;
  try {
    await runDemo(narrator, (started) => {
      installation = started;
    });
    process.stdout.write(`\n${summarize(narrator.results())}\n`);
    if (keep && installation !== undefined) {
      process.stdout.write(
        `\nStill running; stop it with Ctrl-C:\n  ${installation.cluster.kubectlLine()}\n`,
      );
      await untilInterrupted(process);
    }
    return 0;
  } catch (err) {
    process.stdout.write(`\n${summarizeFailure(narrator.results(), err)}\n`);
    return 1;
  } finally {
    await installation?.stop();
  }
}
