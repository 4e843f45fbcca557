import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createLineSplitter } from './line-splitter.ts';

test('lines come out whole however the bytes are cut', () => {
  const line = fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('\n', ''));
  fc.assert(
    fc.property(fc.array(line), fc.array(fc.nat(40)), (lines, cuts) => {
      const bytes = Buffer.from(lines.map((text) => `${text}\n`).join(''));
      const splitter = createLineSplitter(1_000);
      const out: string[] = [];
      let start = 0;
      for (const length of [...cuts, bytes.length]) {
        out.push(...splitter.push(bytes.subarray(start, start + length)));
        start += length;
      }
      assert.deepEqual(out, lines);
    }),
  );
});

test('a last line without its newline is kept back', () => {
  const splitter = createLineSplitter(1_000);
  assert.deepEqual([...splitter.push(Buffer.from('one\ntw'))], ['one']);
  assert.deepEqual([...splitter.push(Buffer.from('o\n'))], ['two']);
});

test('a line that is too long ends the stream, before its end is there', () => {
  const splitter = createLineSplitter(10);
  const push = (text: string): string[] => [...splitter.push(Buffer.from(text))];
  assert.deepEqual(push('0123456789\n01234'), ['0123456789']);
  assert.deepEqual(push('56789'), []);
  assert.throws(() => push('x'), { code: 'KUBERNETES_REFUSED' });
});
