import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatWarnings, quote } from './plain-text.ts';

test('warnings are such as the API server shows: printable, well-formed, short, each once, not too many', () => {
  const texts = fc.array(fc.string({ unit: 'binary', maxLength: 300 }), { maxLength: 50 });
  fc.assert(
    fc.property(texts, (warnings) => {
      const shown = formatWarnings(warnings);
      assert.equal(new Set(shown).size, shown.length);
      assert.ok(shown.length <= 31);
      for (const warning of shown) {
        assert.ok([...warning].length <= 120 && warning.isWellFormed() && !/\p{Cc}/u.test(warning));
      }
    }),
  );
  assert.deepEqual(formatWarnings(['a', 'a', 'b']), ['a', 'b']);
  assert.match(formatWarnings(Array.from({ length: 40 }, (_, index) => `w${index}`)).at(-1) ?? '', /10 more/);
});

test('a foreign name in a message is quoted, printable and cut', () => {
  assert.equal(quote('a\nb'), '"a?b"');
  assert.equal([...quote('x'.repeat(500))].length, 82);
});
