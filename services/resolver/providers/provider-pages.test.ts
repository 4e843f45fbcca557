import assert from 'node:assert/strict';
import { test } from 'node:test';
import { providerPages } from './provider-pages.ts';

async function list(next: (token: string | undefined) => string | null | undefined): Promise<unknown[]> {
  const asked: unknown[] = [];
  const pages = providerPages('project team', async (token) => {
    asked.push(token);
    return { items: [], next: next(token) };
  });
  for await (const page of pages) assert.deepEqual(page, []);
  return asked;
}

test('pages are asked for until one says that it is the last, and empty ones are no end', async () => {
  const tokens = new Map([
    [undefined, 'b'],
    ['b', 'c'],
    ['c', ''],
  ]);
  assert.deepEqual(await list((token) => tokens.get(token)), [undefined, 'b', 'c']);
  assert.deepEqual(await list(() => null), [undefined]);
});

test('pages that lead back to one before end the list with an error that names it', async () => {
  const refusal = { code: 'PROVIDER_UNREACHABLE', message: /the list of project team has no end/ };
  await assert.rejects(
    list(() => 'same'),
    refusal,
  );
  await assert.rejects(
    list((token) => (token === 'a' ? 'b' : 'a')),
    refusal,
  );
});
