import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isLaterResourceVersion } from './resource-version.ts';

test('of two resourceVersions the later one is the larger number, however long', () => {
  assert.equal(isLaterResourceVersion('10', '9'), true);
  assert.equal(isLaterResourceVersion('9', '10'), false);
  assert.equal(isLaterResourceVersion('10', '10'), false);
  assert.equal(isLaterResourceVersion('90071992547409931', '90071992547409930'), true);
});

test('what is no such number cannot be compared', () => {
  for (const other of ['', 'a', '01', '-1', '1.5'])
    assert.equal(isLaterResourceVersion(other, '1'), undefined);
});
