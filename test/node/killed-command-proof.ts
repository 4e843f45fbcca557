import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, realpath } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { createCgroups } from '#testkit/node/cgroup-folders.ts';
import { removeLeftOvers } from '#testkit/node/left-overs.ts';
import { pidNamespacesOf, processesOf, readMachineState } from '#testkit/node/machine-state.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';

const timeoutMs = 30_000;

test('npm run node that is killed with SIGKILL leaves the machine as it was', async () => {
  const machineBefore = await readMachineState();
  const command = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(createInterface({ input: command.stdout }), 'line')) as [string];
  const { kubeconfig, task }: { kubeconfig: string; task: { files: Record<string, string> } } =
    JSON.parse(line);
  assert.equal(task.files['/etc/flyte/secrets/db-creds/user'], 'task-author');
  const folder = dirname(kubeconfig);
  const namespaces = await pidNamespacesOf(folder);
  assert.ok((await processesOf(folder, namespaces)).length > 20);
  command.kill('SIGKILL');
  await waitFor(async () => (await processesOf(folder, namespaces)).length === 0, {
    timeoutMs,
    what: 'the last process of the cluster to end',
  });
  assert.deepEqual(await readMachineState(), machineBefore);
});

test('what is left when the guard was killed too goes with the next start', async () => {
  const machineBefore = await readMachineState();
  const { pid } = spawnSync('true');
  const name = `latchkey-node-${pid}-left`;
  const folder = join(await realpath(tmpdir()), name);
  await mkdir(join(folder, 'logs'), { recursive: true });
  const cgroups = await createCgroups(`${name}-node1`);
  for (const cgroup of cgroups) await mkdir(join(cgroup.folder, 'kubepods/burstable'), { recursive: true });
  assert.notDeepEqual(await readMachineState(), machineBefore);
  await removeLeftOvers();
  assert.deepEqual(await readMachineState(), machineBefore);
});
