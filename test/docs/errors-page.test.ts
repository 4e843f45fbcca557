import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { type ErrorCode, errorRegistry } from '#shared/contracts/error-registry.ts';
import { denialExamples } from './denial-examples.ts';

const page = await readFile(join(import.meta.dirname, '../../docs/errors.md'), 'utf8');
/** Code -> its section. */
const sections = new Map(
  page
    .split(/^### /m)
    .slice(1)
    .map((text) => [text.slice(0, text.indexOf('\n')), text]),
);

test('the page has a section for every code, and for no other', () => {
  assert.deepEqual([...sections.keys()].toSorted(), Object.keys(errorRegistry).toSorted());
});

test('each section begins with the status of its code, and has a remediation', () => {
  for (const [code, { httpStatus, reason, retryable }] of Object.entries(errorRegistry)) {
    const section = sections.get(code) ?? '';
    const hope = retryable ? 'Retryable' : 'Not retryable';
    assert.ok(section.startsWith(`${code}\n\n${httpStatus} ${reason}. ${hope}. `), code);
    assert.match(section, /\nRemediation: \S/, code);
  }
});

test('the messages on the page are those that a task author gets, each with its code at the end', () => {
  for (const { code, actual, message } of denialExamples()) {
    assert.equal(actual, code);
    assert.ok(message.endsWith(` [${code}]`), message);
    assert.ok(sections.get(code)?.includes(`\n${message}\n`), `${code}: ${message}`);
  }
});

test('every code that an author can get has an example', () => {
  const codes = Object.keys(errorRegistry) as ErrorCode[];
  const forAuthors = codes.slice(0, codes.indexOf('OVERLOADED'));
  assert.deepEqual(
    denialExamples().map(({ code }) => code),
    forAuthors,
  );
});
