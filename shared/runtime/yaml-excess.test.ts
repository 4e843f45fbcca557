import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Lexer } from 'yaml';
import { findYamlExcess } from './yaml-excess.ts';

const excessOf = (text: string, mostTokens = 100) => findYamlExcess(new Lexer().lex(text), mostTokens);

test('of a text without end no more tokens are looked for than may be', () => {
  let tokens = 0;
  function* endless(): Generator<string> {
    for (;;) {
      tokens++;
      yield '\n';
    }
  }
  assert.match(findYamlExcess(endless(), 1_000)?.message ?? '', /more than 1000 tokens/);
  assert.equal(tokens, 1_001);
});

test('nesting ends the search where it is too deep, in brackets and in a line of dashes or question marks', () => {
  for (const start of ['[', '{', '{a: [', '- ', '? ', '- ? ']) {
    const excess = excessOf(start.repeat(10_000), 1_000);
    assert.equal(excess?.message, 'it is nested too deep', start);
    assert.ok(excess.offset < 65 * start.length, start);
  }
  for (const text of [
    `[${'[x], '.repeat(200)}]`,
    '- - x\n'.repeat(200),
    `[${'? a, '.repeat(200)}]`,
    `{${'a: -, '.repeat(200)}}`,
    `"${'['.repeat(200)}"`,
    `|\n${'['.repeat(200)}`,
  ]) {
    assert.equal(excessOf(text, 10_000), undefined, text.slice(0, 20));
  }
});

test('the place is that of the text, without what the lexer adds', () => {
  assert.equal(excessOf('a: 1\nb: [2, x]\nc: 3', 19)?.offset, 'a: 1\nb: [2, x'.length);
});
