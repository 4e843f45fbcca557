import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readYamlDocuments } from './yaml-documents.ts';
import { mostTokensOfInput, readYaml, type YamlFault } from './yaml-text.ts';

function faultsOf(text: string): YamlFault[] {
  const read = readYaml(text);
  return 'faults' in read ? read.faults : [];
}

test('a text of more tokens than its reader takes is a fault with the limit and the line, whatever they are', () => {
  for (const [text, line] of [
    ['- x\n'.repeat(400_000), 40_000],
    ['[]'.repeat(400_000), 1],
    ['#\n'.repeat(400_000), 100_001],
    ['\n'.repeat(400_000), 200_001],
    [`[${'x,\n'.repeat(400_000)}]`, 50_000],
  ] as const) {
    const [fault] = faultsOf(text);
    assert.match(fault?.message ?? '', /^it has more than 200000 tokens/);
    assert.equal(fault?.line, line, text.slice(0, 9));
  }
  assert.ok('value' in readYaml('- x\n'.repeat(60_000), mostTokensOfInput));
});

test('documents that together have more tokens than a command reads are refused before one is parsed', () => {
  let parsed = 0;
  const text = `---\n${'- x\n'.repeat(30_000)}`.repeat(10);
  const read = readYamlDocuments(text, () => {
    parsed++;
    return { faults: [] };
  });
  assert.ok('faults' in read);
  assert.match(read.faults[0]?.message ?? '', /more than 1000000 tokens/);
  assert.equal(parsed, 0);
});
