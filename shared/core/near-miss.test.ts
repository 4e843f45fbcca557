import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findNearMisses } from './near-miss.ts';

test('names that differ in case, punctuation or one or two letters are suggested, nearest first', () => {
  const keys = ['db/passwrd', 'db/pass-word', 'db/user', 'bd/password', 'other/password', 'db/password1'];
  assert.deepEqual(findNearMisses('db/password', keys), ['db/pass-word', 'db/password1', 'db/passwrd']);
  assert.deepEqual(findNearMisses('db/password', ['x/y']), []);
});
