import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parse } from 'yaml';
import { terminalJson, terminalLines, terminalYaml } from './terminal-lines.ts';

const obeyed = /[^\P{C}\n]|[\p{Zl}\p{Zp}]/u;

test('JSON for a terminal is the same value to a program', () => {
  fc.assert(
    fc.property(fc.anything({ withObjectString: true, key: fc.string({ unit: 'binary' }) }), (value) => {
      const plain: unknown = JSON.parse(JSON.stringify({ value }));
      assert.deepEqual(JSON.parse(terminalJson(plain)), plain);
    }),
  );
  assert.equal(terminalJson('a\u202eb\u{e0041}', 0), '"a\\u202eb\\udb40\\udc41"');
  assert.equal(terminalLines('a\u202eb\nc\u001b[2J'), 'a?b\nc?[2J');
});

test('YAML for a terminal is the same value to a program', () => {
  const text = fc.string({
    unit: fc.oneof(
      fc.string({ unit: 'binary', maxLength: 1 }),
      fc.constantFrom('\n', '\u202e', '\u009b', ' ', '"'),
    ),
  });
  fc.assert(
    fc.property(fc.dictionary(text, fc.oneof(text, fc.array(text))), (value) => {
      const shown = terminalYaml(value);
      assert.doesNotMatch(shown, obeyed);
      assert.deepEqual(parse(shown), { ...value });
    }),
  );
  assert.equal(terminalYaml({ a: 'r\u009b31m\u{e0041}' }), 'a: "r\\u009b31m\\U000e0041"\n');
  assert.equal(terminalYaml({ a: 'plain', b: ['x y'] }), 'a: plain\nb:\n  - x y\n');
});
