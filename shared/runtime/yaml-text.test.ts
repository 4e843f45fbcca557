import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readYaml, type YamlFault } from './yaml-text.ts';

function faultsOf(text: string): YamlFault[] {
  const read = readYaml(text);
  return 'faults' in read ? read.faults : [];
}
const valueOfText = (text: string): unknown => {
  const read = readYaml(text);
  return 'value' in read ? read.value : read.faults;
};

test('what is anchored once stands wherever its alias does', () => {
  assert.deepEqual(valueOfText('a: &pull { cpu: 1 }\nb: *pull'), { a: { cpu: 1 }, b: { cpu: 1 } });
  assert.equal(valueOfText(''), null);
  assert.deepEqual(valueOfText('{"a": [1, "x"]}'), { a: [1, 'x'] });
});

test('aliases that multiply are named with the line at which they are too much', () => {
  const levels = Array.from('bcdefghij', (name, index) => {
    const inner = `*${'abcdefghij'[index]}`;
    return `${name}: &${name} [${Array(9).fill(inner).join(', ')}]`;
  });
  const [fault, ...others] = faultsOf(['a: &a [x, x, x, x, x, x, x, x, x]', ...levels].join('\n'));
  assert.deepEqual(others, []);
  assert.equal(fault?.line, 5);
  assert.match(fault?.message ?? '', /stand for too much/);
});

test('an alias inside what it stands for, or without an anchor, is named with its line', () => {
  for (const text of [
    'x: 1\na: &a [*a]',
    '&root\na: *root',
    'x: 1\na: &a [&b [*a], *b]',
    'x: 1\na: *nothing',
  ]) {
    assert.deepEqual(
      faultsOf(text).map(({ line }) => line),
      [2],
      text,
    );
  }
});

test('nesting that nothing could walk is a fault, and so is a text longer than any ConfigMap', () => {
  assert.notDeepEqual(faultsOf('['.repeat(200_000)), []);
  assert.notDeepEqual(faultsOf(`${'{a: '.repeat(100)}1${'}'.repeat(100)}`), []);
  assert.notDeepEqual(faultsOf(`a: ${'x'.repeat(5_000_000)}`), []);
  assert.ok(faultsOf(`a: [\n${'\t\n'.repeat(1_000)}`).length <= 20);
});
