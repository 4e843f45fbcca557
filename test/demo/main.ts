import process from 'node:process';
import { parseArgs } from 'node:util';
import { runDemo } from './demo.ts';
import { startLocalStage } from './local-stage.ts';
import { createNarrator, summarize, summarizeFailure, untilInterrupted } from './narrator.ts';
import { startNodeStage } from './node-stage.ts';
import type { Stage } from './stage.ts';

const help = `Usage: npm run demo -- [--node] [--keep] [--help]

Runs latchkey on a real etcd, kube-apiserver and nats-server on this machine and shows its main job, each step checked
and timed. The programs are built the first time (about 5 minutes), then taken from the cache.

  --node   run it on a real node instead, with a kubelet and our image, as npm run node starts it: needs root
  --keep   leave everything running at the end and print the kubectl line; Ctrl-C stops it
  --help   this text

Exit codes: 0 every step held, 1 a step failed.
`;

const processes = {
  title: 'Start etcd, kube-apiserver, nats-server and the services',
  start: startLocalStage,
};
const realNode = {
  title: 'Start a node with a kubelet, and apply the manifests',
  start: startNodeStage,
};

const { values } = parseArgs({
  options: { node: { type: 'boolean' }, keep: { type: 'boolean' }, help: { type: 'boolean' } },
});

if (values.help) process.stdout.write(help);
else process.exitCode = await main(values.node === true ? realNode : processes, values.keep === true);

async function main(setting: typeof processes, keep: boolean): Promise<number> {
  const narrator = createNarrator({
    write: (text) => process.stdout.write(text),
    color: process.stdout.isTTY,
  });
  let stage: Stage | undefined;
  try {
    await runDemo(narrator, setting, (started) => {
      stage = started;
    });
    process.stdout.write(`\n${summarize(narrator.results())}\n`);
    if (keep && stage !== undefined) {
      process.stdout.write(`\nStill running; stop it with Ctrl-C:\n  ${stage.cluster.kubectlLine()}\n`);
      await untilInterrupted(process);
    }
    return 0;
  } catch (err) {
    process.stdout.write(`\n${summarizeFailure(narrator.results(), err)}\n`);
    return 1;
  } finally {
    await stage?.stop();
  }
}
