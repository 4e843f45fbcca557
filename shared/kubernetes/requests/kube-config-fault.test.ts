import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { loadKubeConfig } from './kube-config.ts';

const whole = {
  clusters: [{ name: 'c', cluster: { server: 'https://127.0.0.1:1' } }],
  users: [{ name: 'u', user: {} }],
  contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
  'current-context': 'x',
};

test('a kubeconfig that leads to no server says what it lacks', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-kubeconfig-'));
  t.after(() => rm(folder, { recursive: true }));
  const kubeconfigFile = join(folder, 'kubeconfig');
  const toldOf = async (content: unknown, context?: string): Promise<string> => {
    await writeFile(kubeconfigFile, typeof content === 'string' ? content : JSON.stringify(content));
    try {
      loadKubeConfig({ kubeconfigFile, ...(context === undefined ? {} : { context }) });
      return 'usable';
    } catch (err) {
      assert.ok(err instanceof LatchkeyError && err.code === 'CONFIG_INVALID', String(err));
      return err.message.replace(`the kubeconfig file ${kubeconfigFile} `, '');
    }
  };
  assert.equal(await toldOf(whole), 'usable');
  assert.match(await toldOf({ ...whole, 'current-context': undefined }), /^has no current-context/);
  assert.match(await toldOf(whole, 'y'), /^has no context y: `kubectl config get-contexts`/);
  assert.equal(await toldOf({ ...whole, clusters: [] }), 'has no cluster "c", which the context "x" names');
  assert.equal(
    await toldOf({ ...whole, clusters: [{ name: 'c', cluster: { server: 'nowhere' } }] }),
    'has the server "nowhere", which is no URL',
  );
  assert.equal(
    await toldOf({ ...whole, clusters: [{ name: 'c', cluster: {} }] }),
    'is not complete: clusters[0].cluster.server is missing',
  );
  assert.match(await toldOf(''), /^is no kubeconfig/);
  assert.match(await toldOf('a: b: c'), /^cannot be read: it is not JSON or YAML \(line 1/);
  assert.throws(() => loadKubeConfig({ kubeconfigFile: folder }), { message: /cannot be read: EISDIR$/ });
});
