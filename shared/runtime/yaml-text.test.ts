import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { propertyRuns } from '#testkit/properties/property-runs.ts';
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

test('an anchor that is set again and again multiplies like any other', () => {
  const levels = Array.from({ length: 12 }, (_, level) => {
    const [name, inner] = level % 2 === 0 ? ['a', 'b'] : ['b', 'a'];
    return `- &${name} [${Array(9).fill(`*${inner}`).join(', ')}]`;
  });
  const [fault] = faultsOf(['- &a x', '- &b x', '- [*a, *b]', ...levels].join('\n'));
  assert.match(fault?.message ?? '', /stand for too much/);
  assert.ok((fault?.line ?? 0) > 3);
  assert.match(
    faultsOf(`- &a ${'x'.repeat(1_000)}\n${'- *a\n'.repeat(1_000)}`)[0]?.message ?? '',
    /too much/,
  );
});

test('an alias stands for the last node before it that has its anchor', () => {
  assert.deepEqual(valueOfText('- &a 1\n- *a\n- &a 2\n- *a'), [1, 1, 2, 2]);
  assert.deepEqual(valueOfText('- &a [&a x, *a]\n- *a'), [['x', 'x'], 'x']);
});

test('merge keys are keys like any other, and YAML in which they are not is refused', () => {
  assert.deepEqual(valueOfText('a: &a { x: 1 }\nb: { <<: *a }'), { a: { x: 1 }, b: { '<<': { x: 1 } } });
  assert.deepEqual(valueOfText('!!merge <<: &a { x: 1 }\nb: { <<: *a }'), {
    '<<': { x: 1 },
    b: { '<<': { x: 1 } },
  });
  assert.deepEqual(faultsOf('%YAML 1.1\n---\n<<: 1'), [
    { line: 1, column: 1, message: 'it is not YAML 1.2', isSyntax: false },
  ]);
});

test('a key that comes twice, or is no text, is named with its line', () => {
  for (const text of [
    '{ a: 1,\na: 2 }',
    'x: 1\n? [a]\n: 1',
    'x: &x 1\n*x : 1',
    '{ : 1,\n~: 2 }',
    'a: { b: 1,\n b: 2 }',
  ]) {
    assert.deepEqual(
      faultsOf(text).map(({ line }) => line),
      [2],
      text,
    );
  }
});

test('names beyond counting are a fault, with aliases or without', () => {
  const tooMany = /more than 2000 anchors and aliases/;
  assert.match(faultsOf('- &a 1\n'.repeat(2_001))[0]?.message ?? '', tooMany);
  assert.match(faultsOf(`- &a 1\n${'- *a\n'.repeat(2_000)}`)[0]?.message ?? '', tooMany);
});

/** A list with an anchor that repeats what the other anchor stands for, now and then something else. */
const usual = fc.constantFrom('*other', '{ k: *other }', '{ <<: *other }');
const unusual = fc.constantFrom('*own', '*other, &own y', '&other [*other, *other]', '"\\0"', '~');
const item = fc.oneof({ weight: 9, arbitrary: usual }, { weight: 1, arbitrary: unusual });
const line = fc
  .tuple(fc.constantFrom('a', 'b'), item, fc.integer({ min: 1, max: 9 }))
  .map(([own, text, times]) => {
    const items = Array(times).fill(text).join(', ');
    return `- &own [${items}]`.replaceAll('own', own).replaceAll('other', own === 'a' ? 'b' : 'a');
  });

test('whatever its anchors and aliases are, a small text never becomes a large value', () => {
  fc.assert(
    fc.property(fc.array(line, { maxLength: 16, size: 'max' }), (lines) => {
      const read = readYaml(['- &a x', '- &b x', '- [*a, *b]', ...lines].join('\n'));
      if ('value' in read) assert.ok(JSON.stringify(read.value).length < 1_000_000);
    }),
    { numRuns: Math.min(1_000, propertyRuns.numRuns) },
  );
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

test('a text of more tokens than its reader takes is a fault with the limit and the line, whatever they are', () => {
  for (const [text, line] of [
    ['- x\n'.repeat(400), 200],
    ['[]'.repeat(1_000), 1],
    ['#\n'.repeat(1_000), 501],
    ['\n'.repeat(2_000), 1_001],
    [`[${'x,\n'.repeat(400)}]`, 250],
  ] as const) {
    const read = readYaml(text, 1_000);
    assert.ok('faults' in read);
    assert.match(read.faults[0]?.message ?? '', /^it has more than 1000 tokens/);
    assert.equal(read.faults[0]?.line, line, text.slice(0, 9));
  }
});

test('the faults of a text hold no call stacks, and those made after it do', () => {
  const before = Error.stackTraceLimit;
  assert.equal(faultsOf('[]'.repeat(1_000)).length, 20);
  assert.equal(Error.stackTraceLimit, before);
});

test('nesting that nothing could walk is a fault, and so is a text longer than any ConfigMap', () => {
  assert.notDeepEqual(faultsOf('['.repeat(50_000)), []);
  assert.notDeepEqual(faultsOf(`${'{a: '.repeat(100)}1${'}'.repeat(100)}`), []);
  assert.notDeepEqual(faultsOf(`a: ${'x'.repeat(5_000_000)}`), []);
  assert.ok(faultsOf(`a: [\n${'\t\n'.repeat(1_000)}`).length <= 20);
});
