import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

const root = join(import.meta.dirname, '../..');

/** Takes the fullest inventory of the shortest names, as a resolver does at its start, and prints what became of it. */
const program = `
  import { createDesiredSet } from '#shared/bus/publish/desired-set.ts';
  import { costOf } from '#shared/bus/records/cost.ts';
  import { k8sManager } from '#shared/managers/shipped/k8s.ts';
  import { defaultConfig } from '#testkit/installation/default-config.ts';
  import { finishWork } from '#shared/runtime/turn-queue.ts';
  import { createRuleSet } from './services/resolver/rule-set.ts';
  const desired = createDesiredSet('k8s', (err) => { throw err; });
  let costBytes = 0;
  const publisher = {
    put: (key, value) => {
      desired.put(key, { value });
      costBytes += costOf({ key, bytes: desired.get(key).bytes, trace: {} });
    },
    remove: (key) => desired.remove(key, {}),
    complete: () => desired.complete(),
    inOneSet: (work) => work,
  };
  const log = { error: ({ err }) => { throw err; } };
  const rules = createRuleSet({ manager: k8sManager, config: defaultConfig, publisher, log });
  const keys = Array.from({ length: defaultConfig.limits.keysPerSecret }, (_, index) => index.toString(36));
  function* changes() {
    for (let index = 0; costBytes < defaultConfig.limits.managerMiB * 1024 * 1024; index += 1) {
      const [namespace, secret] = ['n' + Math.floor(index / 40), 's' + (index % 40).toString(36)];
      const value = { schema: 1, source: 'k8s', namespace, secret, keys, version: '1' };
      yield { key: { owner: 'k8s', kind: 'entry', namespace, secret }, value };
    }
  }
  finishWork(rules.take(changes()));
  rules.complete();
  console.log(desired.summary().count * keys.length);
`;

test('a resolver takes the fullest set of the shortest names within a quarter of the heap of its manifest', async () => {
  const manifest = await readFile(join(root, 'deploy/resolver-k8s.yaml'), 'utf8');
  const heapMib = Number(/--max-old-space-size=(\d+)/.exec(manifest)?.[1]);
  const args = [`--max-old-space-size=${heapMib / 4}`, '--input-type=module', '--eval', program];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root });
  assert.ok(Number(stdout) > 1_000_000, stdout);
});
