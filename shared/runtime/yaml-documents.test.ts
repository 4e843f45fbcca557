import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readYamlDocuments } from './yaml-documents.ts';

const valuesOf = (text: string): unknown => {
  const read = readYamlDocuments(text);
  return 'faults' in read ? read.faults : read.map(({ value }) => value);
};

test('what helm and kubectl print is read document by document, whatever stands between them', () => {
  const rendered =
    '---\n# Source: a.yaml\na: 1\n---\n# Source: empty.yaml\n---\n# Source: b.yaml\nb: 2\n---\n';
  assert.deepEqual(valuesOf(rendered), [{ a: 1 }, { b: 2 }]);
  assert.deepEqual(valuesOf(rendered.replaceAll('\n', '\r\n')), [{ a: 1 }, { b: 2 }]);
  assert.deepEqual(valuesOf('{"a": 1}'), [{ a: 1 }]);
  assert.deepEqual(valuesOf('# nothing\n'), []);
  assert.deepEqual(valuesOf(''), []);
  assert.deepEqual(valuesOf('--- {a: 1}\n--- # two\nb: 2'), [{ a: 1 }, { b: 2 }]);
});

test('an end marker and directives belong to the document beside them', () => {
  assert.deepEqual(valuesOf('a: 1\n...\n# between\n---\nb: 2\n...\n'), [{ a: 1 }, { b: 2 }]);
  assert.deepEqual(valuesOf('%YAML 1.2\n---\na: 1\n...\nb: 2'), [{ a: 1 }, { b: 2 }]);
});

test('a marker inside a text is none where it is indented', () => {
  assert.deepEqual(valuesOf('a: |\n  ---\n  x\n---\nb: "--- y"'), [{ a: '---\nx\n' }, { b: '--- y' }]);
});

test('a document that cannot be read is named with its number and its place in the whole text', () => {
  const read = readYamlDocuments('a: 1\n---\n---\nb: 2\n---\nc: {x: 1\nd: 2\n');
  assert.ok('faults' in read);
  assert.equal(read.number, 3);
  assert.equal(read.faults[0]?.isSyntax, true);
  assert.ok([6, 7, 8].includes(read.faults[0]?.line ?? 0));
  assert.deepEqual(valuesOf('a: 1\n---\nb: 1\nb: 2'), [
    { line: 4, column: 1, message: 'Map keys must be unique', isSyntax: false },
  ]);
});

test('more documents than anybody renders are refused before one is parsed', () => {
  assert.match(JSON.stringify(valuesOf('--- 1\n'.repeat(10_001))), /more than 10000 documents/);
});
