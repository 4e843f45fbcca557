import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createWarnings } from './warnings.ts';

function shownOf(texts: readonly string[]): string[] {
  const warnings = createWarnings();
  for (const text of texts) warnings.add(() => text);
  return warnings.texts();
}

test('warnings are such as the API server shows: printable, well-formed, short, each once, not too many', () => {
  const texts = fc.array(fc.string({ unit: 'binary', maxLength: 300 }), { maxLength: 50 });
  fc.assert(
    fc.property(texts, (warnings) => {
      const shown = shownOf(warnings);
      assert.equal(new Set(shown).size, shown.length);
      assert.ok(shown.length <= 31);
      for (const warning of shown) {
        assert.ok([...warning].length <= 120 && warning.isWellFormed() && !/\p{Cc}/u.test(warning));
      }
    }),
  );
  assert.deepEqual(shownOf(['a', 'a', 'b']), ['a', 'b']);
  assert.match(shownOf(Array.from({ length: 40 }, (_, index) => `w${index}`)).at(-1) ?? '', /10 more/);
});

test('warnings beyond those that are shown are counted and not worded', () => {
  const warnings = createWarnings();
  let worded = 0;
  for (let index = 0; index < 10_000; index++) {
    warnings.add(() => {
      worded++;
      return `w${index}`;
    });
  }
  assert.equal(worded, 30);
  assert.equal(warnings.texts().at(-1), 'latchkey: 9970 more warnings');
});
