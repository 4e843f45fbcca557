import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileLookupName, type LookupName } from './lookup-name.ts';
import { lookupReadings } from './lookup-readings.ts';

const nameOf = (text: string): LookupName => compileLookupName(text, { fields: {} }, 'lookup');

test('a name that can be read as several secrets is told as each of them', () => {
  assert.deepEqual(lookupReadings([nameOf('${group|upper}_${key|upper}')], 'TEAM_A_TOKEN'), [
    'team/a_token',
    'team_a/token',
  ]);
});

test('a name that can be split in a thousand ways is looked at for a moment only', () => {
  let looked = 0;
  const name = nameOf('${group}/${key}');
  const counted: LookupName = {
    ...name,
    *readings(text, search) {
      for (const asked of name.readings(text, search)) {
        looked += asked.group.length;
        yield asked;
      }
    },
  };
  assert.equal(lookupReadings([counted], 'ab/'.repeat(60)).length, 1);
  assert.ok(looked > 0 && looked < 2_000, `${looked} characters`);
  assert.deepEqual(lookupReadings([counted], 'a/'.repeat(2_000)), []);
  assert.equal(
    [...name.readings('a/'.repeat(1_000), { charactersLeft: Number.POSITIVE_INFINITY })].length,
    1_000,
  );
});
