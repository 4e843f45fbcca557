import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { runLatchkey } from '#testkit/processes/run-latchkey.ts';

const answers = {
  null: null,
  'a number': 5,
  'a list': [],
  'fields of other types': {
    metadata: { name: { a: 1 }, annotations: [1], labels: 'x', managedFields: {}, resourceVersion: 5 },
    data: { 'latchkey.yaml': 5, 'tls.crt': {}, 'ca.crt': [], 'tls.key': 1 },
    webhooks: { a: 1 },
    items: { length: 1e9 },
    spec: { holderIdentity: { a: 1 }, renewTime: 5, leaseDurationSeconds: 'x' },
  },
  'lists of nothing': {
    metadata: { name: 'x', resourceVersion: '1' },
    data: {},
    webhooks: [null, 5, { name: 'flyte-pod-webhook.flyte.org' }],
    items: [null, { metadata: null }, { metadata: { name: 'x' }, endpoints: [null], status: 5 }],
    spec: null,
  },
  'a configuration that is a number': { metadata: { name: 'x' }, data: { 'latchkey.yaml': 5 } },
};

const commands = [['status'], ['rotate', '--ca'], ['init-certs'], ['explain', '--live', '-']];

for (const [what, answer] of Object.entries(answers)) {
  test(`commands end with the error of an unreadable answer when the API server answers ${what}`, async (t) => {
    const server = createServer((_, response) => response.end(JSON.stringify(answer)));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const folder = await mkdtemp(join(tmpdir(), 'latchkey-answers-'));
    t.after(async () => {
      server.closeAllConnections();
      server.close();
      await rm(folder, { recursive: true });
    });
    const { port } = server.address() as AddressInfo;
    const kubeconfig = join(folder, 'kubeconfig');
    await writeFile(
      kubeconfig,
      JSON.stringify({
        clusters: [
          { name: 'c', cluster: { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true } },
        ],
        contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
        users: [{ name: 'u', user: {} }],
        'current-context': 'c',
      }),
    );
    for (const command of what === 'lists of nothing' ? [['status'], ['init-certs']] : commands) {
      const { code, errors } = await runLatchkey([...command, '--kubeconfig', kubeconfig], { input: '{}' });
      assert.equal(code, 1, `${command.join(' ')}: ${errors}`);
      assert.match(errors, /no JSON or not what was asked for/, command.join(' '));
    }
  });
}
