import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { providerPages } from './provider-pages.ts';

async function list(next: (token: string | undefined) => string | null | undefined): Promise<unknown[]> {
  const asked: unknown[] = [];
  const pages = providerPages({ place: 'project team', size: 100 }, async (token) => {
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

test('a page that is too long for what tenants wrote into it is asked for with fewer items, and ends no list', async () => {
  const asked: unknown[] = [];
  const list = async (fits: (token: string | undefined, size: number) => boolean): Promise<void> => {
    const pages = providerPages({ place: 'project team', size: 100 }, async (token, size) => {
      asked.push([token, size]);
      if (fits(token, size)) return { items: [], next: token === undefined ? 'b' : null };
      const own = new LatchkeyError('SET_TOO_LARGE', 'too long');
      throw new Error('14 UNAVAILABLE', { cause: new Error('of the transport', { cause: own }) });
    });
    for await (const page of pages) assert.deepEqual(page, []);
  };
  await list((token, size) => token === 'b' || size < 10);
  const tries = [100, 13, 2].map((size) => [undefined, size]);
  assert.deepEqual(asked.splice(0), [...tries, ['b', 100]]);
  await assert.rejects(
    list(() => false),
    { message: '14 UNAVAILABLE' },
  );
  assert.deepEqual(asked, [...tries, [undefined, 1]]);
});
