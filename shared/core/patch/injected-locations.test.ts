import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Edit } from '#shared/contracts/rules/rule-recipe.ts';
import { injectedLocations, pathVariables } from './injected-locations.ts';

test('of a volume of many files at many places the first are told', () => {
  const items = Array.from({ length: 200 }, (_, at) => ({ key: 'k', path: `f${at}` }));
  const edits: Edit[] = [
    { volume: { name: 'v', secret: { secretName: 's', items, optional: true } } },
    ...Array.from({ length: 199 }, (_, at) => ({ volumeMount: { name: 'v', mountPath: `/m${at}` } })),
    { env: { name: 'PLACE', value: '/m0/f7' } },
  ];
  assert.equal(injectedLocations(edits).length, 256);
  assert.deepEqual(pathVariables(edits), ['PLACE']);
});
