import assert from 'node:assert/strict';
import { test } from 'node:test';
import { quote, truncate } from './plain-text.ts';

test('a foreign name in a message is quoted, printable and cut', () => {
  assert.equal(quote('a\nb'), '"a?b"');
  assert.equal([...quote('x'.repeat(500))].length, 82);
});

test('a name that would turn the direction of a line, hide itself or begin a new line is shown as it is', () => {
  for (const point of [0x202e, 0x2066, 0x200f, 0x061c, 0x200b, 0xfeff, 0x2028, 0x2029, 0x85, 0x1b, 0xe0041]) {
    assert.equal(quote(`a${String.fromCodePoint(point)}b`), '"a?b"', point.toString(16));
  }
});

test('a text is cut at characters, and of a text of any length no more is looked at than is shown', () => {
  for (const unit of ['x', 'é', '😀', '\ud800']) {
    const shown = truncate(unit.repeat(1_000), 10);
    assert.equal([...shown].length, 10);
    assert.ok(shown.isWellFormed() && shown.endsWith('…'));
    assert.equal([...truncate(unit.repeat(10), 10)].length, 10);
  }
  // As an array of characters this text would need more memory than there is.
  assert.equal(truncate('x'.repeat(2 ** 29 - 24), 4), 'xxx…');
});
