import { spawn } from 'node:child_process';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';

/**
 * Checks that `go` can build the module in `folder`.
 * Throws TOOL_MISSING with one sentence saying what to install or set when Go is absent or too old for the module.
 */
export async function requireGo(folder: string, env: NodeJS.ProcessEnv): Promise<void> {
  const { code, output } = await runGo(['list', '-m'], folder, env);
  if (code === 'absent') {
    throw new LatchkeyError(
      'TOOL_MISSING',
      'Go is needed to build etcd, kube-apiserver, kubectl and nats-server, and no program `go` is on PATH: install Go 1.26 or newer, or set KUBEBUILDER_ASSETS to a folder that holds these programs.',
    );
  }
  if (code === 0) return;
  const needed = /go\.mod requires go >= (\S+) \(running go ([\w.]+)/.exec(output);
  const reason =
    needed === null
      ? `\`go list -m\` failed in ${folder}: ${output.trim()}`
      : `Go ${needed[1]} or newer is needed and this is Go ${needed[2]}: install a newer Go, set GOTOOLCHAIN=auto so that it fetches one, or set KUBEBUILDER_ASSETS to a folder that holds the programs.`;
  throw new LatchkeyError('TOOL_MISSING', reason);
}

/** Runs `go` to its end; `code` is `absent` when there is no such program. `output` holds both of its streams. */
export function runGo(
  args: readonly string[],
  folder: string,
  env: NodeJS.ProcessEnv,
): Promise<{ code: number | 'absent'; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn('go', args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
    const stopChild = () => child.kill();
    process.once('exit', stopChild);
    let output = '';
    const collect = (chunk: Buffer) => {
      output += chunk.toString();
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.on('error', (error: NodeJS.ErrnoException) => {
      process.off('exit', stopChild);
      if (error.code === 'ENOENT') resolve({ code: 'absent', output });
      else reject(error);
    });
    child.on('close', (code) => {
      process.off('exit', stopChild);
      resolve({ code: code ?? 1, output });
    });
  });
}
