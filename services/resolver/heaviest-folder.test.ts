import assert from 'node:assert/strict';
import { test } from 'node:test';
import { heaviestFolder } from './heaviest-folder.ts';

const within = ['secret/data/', 'old/'];
const each = (...paths: string[]): [string, number][] => paths.map((path) => [path, 10]);

test('the deepest folder with more than that is found, whatever lies around it', () => {
  const costs = each(
    'secret/data/a/x',
    'secret/data/a/b/x',
    'secret/data/a/b/y',
    'secret/data/a/b/z',
    'old/a/x',
  );
  assert.equal(heaviestFolder(costs, { within, moreThan: 25 }), 'secret/data/a/b/');
  assert.equal(heaviestFolder(costs, { within, moreThan: 35 }), 'secret/data/a/');
  assert.equal(heaviestFolder(costs, { within, moreThan: 45 }), undefined);
});

test('a place that the operator has named is no folder of a tenant', () => {
  assert.equal(heaviestFolder(each('secret/data/x', 'secret/data/y'), { within, moreThan: 1 }), undefined);
  assert.equal(heaviestFolder(each('elsewhere/a/x'), { within, moreThan: 1 }), undefined);
  assert.equal(heaviestFolder([], { within, moreThan: 0 }), undefined);
});
