import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createNearMissSearch } from './near-miss.ts';

const findNearMisses = (wanted: string, keys: string[]): string[] =>
  createNearMissSearch().find(wanted, keys);

test('names that differ in case, punctuation or one or two letters are suggested, nearest first', () => {
  const keys = ['db/passwrd', 'db/pass-word', 'db/user', 'bd/password', 'other/password', 'db/password1'];
  assert.deepEqual(findNearMisses('db/password', keys), ['db/pass-word', 'db/password1', 'db/passwrd']);
  assert.deepEqual(findNearMisses('db/password', ['x/y']), []);
});

test('a name is suggested exactly when the full table of edits says that it is at most two away', () => {
  const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 9 });
  fc.assert(
    fc.property(word, word, (wanted, key) => {
      assert.equal(findNearMisses(wanted, [key]).length === 1, fullDistance(wanted, key) <= 2);
    }),
  );
});

test('5,000 names of 250 characters cost a look at each, not a table for each', () => {
  const keys = Array.from({ length: 5_000 }, (_, index) => `${'k'.repeat(245)}${index}`);
  const budget = { cellsLeft: 300_000 };
  const search = createNearMissSearch(budget);
  assert.deepEqual(search.find(`${'k'.repeat(245)}x`, keys), []);
  assert.equal(budget.cellsLeft, 300_000);
  assert.deepEqual(search.find('kkkk', keys), []);
  assert.equal(budget.cellsLeft, 300_000 - keys.length);
});

test('names that begin otherwise are left after a few cells', () => {
  const keys = Array.from({ length: 1_000 }, (_, index) => `other/${String(index).padStart(84, '0')}`);
  const budget = { cellsLeft: 300_000 };
  createNearMissSearch(budget).find('x'.repeat(90), keys);
  assert.equal(300_000 - budget.cellsLeft, 1_000 * (1 + 90 + 3 * 5));
});

test('all searches of one pod share a budget, over which no search goes by more than one name', () => {
  const keys = Array.from({ length: 5_000 }, (_, index) => `${'k'.repeat(86)}${index + 1_000}`);
  const budget = { cellsLeft: 100_000 };
  const search = createNearMissSearch(budget);
  for (let secret = 0; secret < 8; secret++) search.find('k'.repeat(90), keys);
  assert.ok(budget.cellsLeft < 0 && budget.cellsLeft > -1_000, `${budget.cellsLeft}`);
  assert.deepEqual(search.find('db/password', ['db/password1']), []);
});

/** Levenshtein distance by its definition. */
function fullDistance(a: string, b: string): number {
  if (a === '' || b === '') return a.length + b.length;
  const substitution = fullDistance(a.slice(1), b.slice(1)) + (a[0] === b[0] ? 0 : 1);
  if (a[0] === b[0]) return substitution;
  return Math.min(substitution, fullDistance(a.slice(1), b) + 1, fullDistance(a, b.slice(1)) + 1);
}
