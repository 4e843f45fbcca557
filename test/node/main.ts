import process from 'node:process';
import { parseArgs } from 'node:util';
import { untilInterrupted } from '#test/demo/narrator.ts';
import { runReadingTask, startLatchkeyNode } from '#testkit/node/latchkey-node.ts';
import type { TaskReading } from '#testkit/node/reading-task.ts';
import type { RealCluster } from '#testkit/node/real-cluster.ts';
import { createProgress } from '#tools/progress.ts';

const help = `Usage: npm run node -- [--nodes 1|2] [--json] [--help]

Runs latchkey on a real Kubernetes cluster on this machine: kubelet, containerd, kube-proxy, scheduler, controllers and
DNS, the image built from deploy/Dockerfile, the manifests of deploy/ as they are, and a task that prints the secrets it
was given. It stays until Ctrl-C. Everything is in namespaces of its own and gone at the end, however that comes.

Needs Linux, root, Go, and the Debian packages that CONTRIBUTING.md names; says what is missing. The first run builds
programs and images.

  --nodes  how many nodes; the second one has no control plane (default 1)
  --json   print one object when the cluster stands, on stdout: kubeconfig, nodes, and what the task read
  --help   this text

Exit codes: 0 stopped by Ctrl-C, 1 it could not run.
`;

const code = await main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  return 1;
});
// Ends what an interrupted start still waits for; the guard then removes what that has made.
process.exit(code);

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      nodes: { type: 'string', default: '1' },
      json: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
  if (values.help) {
    process.stdout.write(help);
    return 0;
  }
  const nodes = Number(values.nodes);
  if (nodes !== 1 && nodes !== 2) throw new Error(`--nodes is 1 or 2, not ${values.nodes}\n\n${help}`);
  const interrupted = untilInterrupted(process);
  let cluster: RealCluster | undefined;
  const run = async (): Promise<void> => {
    const progress = createProgress(process.stderr);
    cluster = await startLatchkeyNode({ nodes, progress });
    const reading = await runReadingTask(cluster, progress);
    process.stdout.write(values.json ? asJson(cluster, reading) : await asText(cluster, reading));
    await interrupted;
  };
  try {
    await Promise.race([run(), interrupted]);
    return 0;
  } finally {
    await cluster?.stop();
  }
}

function asJson({ kubeconfigFile, nodes, logFolder }: RealCluster, task: TaskReading): string {
  const names = nodes.map(({ name }) => name);
  return `${JSON.stringify({ kubeconfig: kubeconfigFile, nodes: names, logs: logFolder, task: injected(task) })}\n`;
}

async function asText(cluster: RealCluster, task: TaskReading): Promise<string> {
  const { variables, files } = injected(task);
  const lines = [
    ...Object.entries(variables).map(([name, value]) => `  env   ${name} = ${value}`),
    ...Object.entries(files).map(([path, content]) => `  file  ${path} = ${content}`),
  ];
  const pods = await cluster.kubectl(['get', 'pods', '-A', '-o', 'wide']);
  return `\nThe task read:\n${lines.join('\n')}\n\n${pods}\nRunning until Ctrl-C:\n  ${cluster.kubectlLine()}\n`;
}

/** Leaves out the variables that any container has. */
function injected({ variables, files }: TaskReading): TaskReading {
  const own = Object.entries(variables).filter(([name]) => /^_FSEC_|^FLYTE_|^DB_|^EXAMPLE_/.test(name));
  return { variables: Object.fromEntries(own), files };
}
