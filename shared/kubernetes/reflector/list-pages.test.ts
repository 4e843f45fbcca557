import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { answerTooLarge } from '#shared/kubernetes/requests/answer-too-large.ts';
import type { Kubernetes } from '#shared/kubernetes/requests/connect-kubernetes.ts';
import { refusedError } from '#shared/kubernetes/requests/kubernetes-call.ts';
import { listPages } from './list-pages.ts';

const target = { path: '/api/v1/secrets', query: {} };
const { signal } = new AbortController();

/** An API server with objects of these sizes, whose answers may have so many bytes; notes what was asked for. */
function serverOf(sizes: readonly number[], mostBytes: number) {
  const limits: number[] = [];
  const json: Kubernetes['json'] = async (call) => {
    const start = Number(call.query?.continue ?? 0);
    const limit = Number(call.query?.limit);
    limits.push(limit);
    const page = sizes.slice(start, start + limit);
    if (page.reduce((sum, size) => sum + size, 0) > mostBytes) {
      throw refusedError(call, { statusCode: 0, reason: answerTooLarge });
    }
    const next = start + page.length;
    const items = page.map((_, index) => ({ metadata: { name: String(start + index) } }));
    const continues = next < sizes.length ? { continue: String(next) } : {};
    return { metadata: { resourceVersion: '7', ...continues }, items };
  };
  const kubernetes: Kubernetes = { json, stream: () => assert.fail('nothing is watched'), close: () => {} };
  return { kubernetes, limits };
}

test('pages of small objects grow', async () => {
  const { kubernetes, limits } = serverOf(Array<number>(1_200).fill(1), 10_000);
  const names: string[] = [];
  const resourceVersion = await listPages(
    kubernetes,
    target,
    ({ metadata }) => names.push(metadata.name),
    signal,
  );
  assert.equal(resourceVersion, '7');
  assert.equal(new Set(names).size, 1_200);
  assert.deepEqual(limits, [20, 40, 80, 160, 320, 500, 500]);
});

test('whatever the sizes are, each object comes once, in order, and few pages are asked for twice', async () => {
  const mostBytes = 100;
  const sizes = fc.array(fc.oneof(fc.constant(1), fc.integer({ min: 1, max: mostBytes })), {
    maxLength: 300,
  });
  await fc.assert(
    fc.asyncProperty(sizes, async (objects) => {
      const { kubernetes, limits } = serverOf(objects, mostBytes);
      const names: string[] = [];
      await listPages(kubernetes, target, ({ metadata }) => names.push(metadata.name), signal);
      assert.deepEqual(
        names,
        objects.map((_, index) => String(index)),
      );
      assert.ok(limits.length <= objects.length + 10);
    }),
  );
});

test('one object that alone is more than may be read ends the list with an error', async () => {
  const { kubernetes } = serverOf([1, 101, 1], 100);
  await assert.rejects(
    listPages(kubernetes, target, () => undefined, signal),
    { code: 'KUBERNETES_REFUSED', message: /answered with more than may be read/ },
  );
});
