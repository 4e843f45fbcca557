import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { propertyRuns } from '#testkit/properties/property-runs.ts';
import { decodeBase32, encodeBase32 } from './base32.ts';
import { decodeAnnotation, encodeAnnotation } from './secret-request.ts';
import { parseSecretText } from './secret-text.ts';

const text = fc.string({ unit: 'binary', maxLength: 40 });
const request = fc.record(
  {
    group: text,
    groupVersion: text,
    key: text,
    envVar: text,
    mountRequirement: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  },
  { noNullPrototype: true },
);

test('what is encoded decodes to itself', () => {
  fc.assert(
    fc.property(request, (asked) => {
      assert.deepEqual(decodeAnnotation('flyte.secrets/s0', encodeAnnotation(asked)), asked);
    }),
    propertyRuns,
  );
});

test('base32 of any bytes decodes to them', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      assert.deepEqual(Buffer.from(decodeBase32(encodeBase32(bytes))), Buffer.from(bytes));
    }),
  );
});

function onlyLatchkeyErrors(decode: () => unknown): void {
  try {
    decode();
  } catch (error) {
    assert.ok(error instanceof LatchkeyError, String(error));
    assert.equal(error.code, 'ANNOTATION_MALFORMED');
  }
}

test('any annotation decodes or fails with ANNOTATION_MALFORMED', () => {
  const pieces = fc.constantFrom(
    'group',
    'key',
    ':',
    '"',
    "'",
    '\\',
    'x41',
    '[',
    '{',
    '#',
    '\n',
    '0_7',
    '\u0000',
  );
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (value) =>
      onlyLatchkeyErrors(() => decodeAnnotation('a', value)),
    ),
    propertyRuns,
  );
  fc.assert(
    fc.property(fc.array(pieces), (parts) =>
      onlyLatchkeyErrors(() => decodeAnnotation('a', encodeBase32(parts.join('')))),
    ),
    propertyRuns,
  );
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => onlyLatchkeyErrors(() => parseSecretText(bytes))),
    propertyRuns,
  );
});

test('the error names the annotation and never its content', () => {
  for (const value of ['hunter2!', encodeBase32('group: hunter2'), encodeBase32('hunter2: "x"')]) {
    assert.throws(
      () => decodeAnnotation('flyte.secrets/s7', value),
      (error: Error) => /flyte\.secrets\/s7/.test(error.message) && !error.message.includes('hunter2'),
    );
  }
});

test('a field that is not UTF-8 is refused', () => {
  const value = encodeBase32(Buffer.from('group: "a\xffb"', 'latin1'));
  assert.throws(() => decodeAnnotation('a', value), {
    code: 'ANNOTATION_MALFORMED',
    message: /UTF-8 in group/,
  });
});

test('long hostile texts end in an error or an answer, without exhausting the stack', () => {
  for (const hostile of [
    '{'.repeat(1e6),
    '['.repeat(1e6),
    'group: '.concat('"" '.repeat(3e5)),
    '#'.repeat(1e6),
  ]) {
    onlyLatchkeyErrors(() => parseSecretText(Buffer.from(hostile)));
  }
  const long = 'x'.repeat(200 * 1024);
  assert.equal(decodeAnnotation('a', encodeBase32(`group: "${long}"`)).group, long);
});
