import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isLater } from './resource-version.ts';

test('of two resourceVersions the later one is the larger number, however long', () => {
  assert.equal(isLater('10', '9'), true);
  assert.equal(isLater('9', '10'), false);
  assert.equal(isLater('10', '10'), false);
  assert.equal(isLater('90071992547409931', '90071992547409930'), true);
});

test('what is no such number cannot be compared', () => {
  for (const other of ['', 'a', '01', '-1', '1.5']) assert.equal(isLater(other, '1'), undefined);
});
