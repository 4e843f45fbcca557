import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { answerTooLarge, mostAnswerBytes } from './answer-too-large.ts';
import { connectKubernetes } from './connect-kubernetes.ts';

const log = pino({ level: 'silent' });
const call = { verb: 'list', path: '/api/v1/secrets' } as const;

/** A kubeconfig of a server that answers as told; `setToken` writes it anew. */
async function serverWith(t: TestContext, answer: http.RequestListener) {
  const server = http.createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-kubeconfig-'));
  t.after(async () => {
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true });
  });
  const kubeconfigFile = join(folder, 'kubeconfig');
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const setToken = (token: string): Promise<void> =>
    writeFile(
      kubeconfigFile,
      JSON.stringify({
        clusters: [{ name: 'c', cluster: { server: address, 'insecure-skip-tls-verify': true } }],
        users: [{ name: 'u', user: { token } }],
        contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
        'current-context': 'x',
      }),
    );
  await setToken('first\n');
  return { kubeconfigFile, setToken };
}

test('a token that was rotated is read again after a 401', async (t) => {
  const { kubeconfigFile, setToken } = await serverWith(t, ({ headers }, response) => {
    response.statusCode = headers.authorization === 'Bearer second' ? 200 : 401;
    response.end('{"items":[]}');
  });
  const kubernetes = connectKubernetes({ kubeconfigFile, log });
  t.after(() => kubernetes.close());
  await assert.rejects(kubernetes.json(call), { code: 'KUBERNETES_REFUSED' });
  await setToken('second');
  assert.deepEqual(await kubernetes.json(call), { items: [] });
});

test('a token file is read as kubectl reads it, from the folder of the kubeconfig, and again after a 401', async (t) => {
  const { kubeconfigFile } = await serverWith(t, ({ headers }, response) => {
    response.statusCode = headers.authorization === 'Bearer second' ? 200 : 401;
    response.end('{"items":[]}');
  });
  const text = await readFile(kubeconfigFile, 'utf8');
  await writeFile(kubeconfigFile, text.replace('"token":', '"tokenFile":"token","token":'));
  const tokenFile = join(dirname(kubeconfigFile), 'token');
  assert.throws(() => connectKubernetes({ kubeconfigFile, log }), {
    code: 'CONFIG_INVALID',
    message: `the kubeconfig's file ${tokenFile} cannot be read: ENOENT`,
  });
  await writeFile(tokenFile, 'first\n');
  const kubernetes = connectKubernetes({ kubeconfigFile, log });
  t.after(() => kubernetes.close());
  await assert.rejects(kubernetes.json(call), { code: 'KUBERNETES_REFUSED' });
  await writeFile(tokenFile, 'second\n');
  assert.deepEqual(await kubernetes.json(call), { items: [] });
});

test('an answer that is cut or no JSON is an error that says its length and kind, and quotes nothing', async (t) => {
  const { kubeconfigFile } = await serverWith(t, (_, response) =>
    response.setHeader('content-type', 'application/json').end('{"data":"hunter2'),
  );
  const kubernetes = connectKubernetes({ kubeconfigFile, log });
  t.after(() => kubernetes.close());
  const error: unknown = await kubernetes.json(call).catch((err: unknown) => err);
  assert.ok(error instanceof Error);
  assert.doesNotMatch(`${error.stack} ${error.cause}`, /hunter2/);
  assert.match(error.message, /no JSON .*: status 200, 16 bytes of application\/json$/);
});

for (const statusCode of [200, 500]) {
  test(`of an endless answer with ${statusCode} no more is read than an answer may have`, async (t) => {
    const piece = Buffer.alloc(1_024 * 1_024, ' ');
    let sent = 0;
    const { kubeconfigFile } = await serverWith(t, (_, response) => {
      response.statusCode = statusCode;
      const send = (): void => {
        while (!response.destroyed) {
          sent += piece.length;
          if (!response.write(piece)) return void response.once('drain', send);
        }
      };
      send();
    });
    const kubernetes = connectKubernetes({ kubeconfigFile, log });
    t.after(() => kubernetes.close());
    const error: unknown = await kubernetes.json(call).catch((err: unknown) => err);
    assert.ok(error instanceof LatchkeyError);
    assert.equal(error.fields.reason, statusCode === 200 ? answerTooLarge : undefined);
    // What the sockets hold comes on top.
    assert.ok(sent < 2 * mostAnswerBytes, String(sent));
  });
}

test('a kubeconfig that is missing is named', () => {
  assert.throws(() => connectKubernetes({ kubeconfigFile: '/nowhere/kubeconfig', log }), {
    code: 'CONFIG_INVALID',
    message: /\/nowhere\/kubeconfig/,
  });
});

test('of several kubeconfig files the first that names something wins, and a context may be chosen', async (t) => {
  const [first, second] = [
    await serverWith(t, (_, response) => response.end('{"from":"first"}')),
    await serverWith(t, (_, response) => response.end('{"from":"second"}')),
  ];
  const text = await readFile(second.kubeconfigFile, 'utf8');
  await writeFile(second.kubeconfigFile, text.replaceAll('"c"', '"c2"').replaceAll('"x"', '"x2"'));
  const kubeconfigFile = ['/nowhere', first.kubeconfigFile, second.kubeconfigFile].join(delimiter);
  for (const [context, from] of [
    [{}, 'first'],
    [{ context: 'x2' }, 'second'],
  ] as const) {
    const kubernetes = connectKubernetes({ kubeconfigFile, ...context, log });
    t.after(() => kubernetes.close());
    assert.deepEqual(await kubernetes.json(call), { from });
  }
  assert.throws(() => connectKubernetes({ kubeconfigFile, context: 'x3', log }), {
    code: 'CONFIG_INVALID',
    message: /context x3/,
  });
});
