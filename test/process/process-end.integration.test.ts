import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';

/** The service as a process; nothing takes its output off until `output` is called. */
async function startTalkingService(t: TestContext): Promise<{
  ask: (path: string) => Promise<string>;
  child: ChildProcess;
  output: () => Promise<string>;
}> {
  const program = join(import.meta.dirname, 'talking-service.ts');
  const child = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
  t.after(() => child.kill('SIGKILL'));
  const [message] = await once(child, 'message');
  const { port } = message as { port: number };
  const ask = async (path: string): Promise<string> =>
    await (await fetch(`http://127.0.0.1:${port}${path}`, { headers: { connection: 'close' } })).text();
  const { stdout } = child;
  assert.ok(stdout !== null);
  return { ask, child, output: () => text(stdout) };
}

test('input 53: a log that nobody reads holds no answer up, and loses nothing of what fits', async (t) => {
  const { ask, child, output } = await startTalkingService(t);
  const count = 40;
  // 2.5 MiB: far more than a pipe holds.
  for (let index = 0; index < count; index += 1) assert.equal(await ask('/talk'), 'answered');
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const lines = (await output()).trimEnd().split('\n');
  assert.deepEqual(await exited, [0, null]);
  assert.equal(lines.filter((line) => line.includes('"talking"') && line.includes('filler')).length, count);
});

test('input 54: a rejection that nobody handles ends the process with 1, after what is in flight', async (t) => {
  const { ask, child, output } = await startTalkingService(t);
  const logged = output();
  const exited = once(child, 'exit');
  const waiting = ask('/wait');
  await ask('/talk');
  const failing = ask('/fail').catch(() => 'cut off');
  assert.equal(await waiting, 'answered');
  assert.deepEqual(await exited, [1, null]);
  assert.match(await logged, /"level":"fatal".*nobody handles this.*"unexpected failure"/);
  assert.equal(await failing, 'answered');
});
