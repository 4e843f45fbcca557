import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { propertyRuns } from '#testkit/properties/property-runs.ts';
import { readPlainEntry } from './plain-entry.ts';
import { ruleEntrySchema } from './rule-entry.ts';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

const anyName = fc.oneof(
  fc.string({ maxLength: 8 }),
  fc.constantFrom('db/password', '__proto__', 'constructor', '7', '', 'a"b', 'a\\', 'é', '}}', '":{}'),
);
const anyVariables = fc.oneof(
  { weight: 4, arbitrary: fc.constant({}) },
  fc.constant({ v: '1' }),
  fc.constant(1),
);
const anyEntry = fc.record({
  schema: fc.constantFrom(1, 1, 1, 2),
  items: fc.array(fc.tuple(anyName, anyVariables), { maxLength: 4 }),
  more: fc.constantFrom({}, {}, { leftOut: 'a/' }, { sealed: {} }),
});

function textOf({
  schema,
  items,
  more,
}: {
  schema: number;
  items: [string, unknown][];
  more: object;
}): string {
  const members = items.map(([name, variables]) => `${JSON.stringify(name)}:${JSON.stringify(variables)}`);
  const rest = Object.entries(more).map(
    ([name, value]) => `,${JSON.stringify(name)}:${JSON.stringify(value)}`,
  );
  return `{"schema":${schema},"items":{${members.join()}}${rest.join('')}}`;
}

test('whatever is read as a plain entry is what a parser reads, and an entry without variables', () => {
  const anyText = fc.oneof(
    anyEntry.map(textOf),
    fc.tuple(anyEntry.map(textOf), fc.nat(), fc.string({ maxLength: 2 })).map(([text, at, put]) => {
      const position = at % (text.length + 1);
      return `${text.slice(0, position)}${put}${text.slice(position + put.length)}`;
    }),
  );
  let plain = 0;
  fc.assert(
    fc.property(anyText, (text) => {
      const lookupKeys = readPlainEntry(bytesOf(text));
      if (lookupKeys === undefined) return;
      plain += 1;
      const { success, data } = ruleEntrySchema.safeParse(JSON.parse(text));
      assert.ok(success);
      assert.deepEqual(Object.keys(data).sort(), ['items', 'schema']);
      assert.deepEqual([...new Set(lookupKeys)].sort(), Object.keys(data.items).sort());
      for (const variables of Object.values(data.items)) assert.deepEqual(variables, {});
    }),
    propertyRuns,
  );
  assert.ok(plain > 0);
});

test('what a publisher writes of items without variables is plain, and nothing else is', () => {
  const items = { 'db/password': {}, 'db/user name': {}, '~': {} };
  assert.deepEqual(readPlainEntry(bytesOf(JSON.stringify({ schema: 1, items }))), Object.keys(items));
  for (const other of [
    { schema: 1, items: {} },
    { schema: 1, items: { a: { v: '1' } } },
    { schema: 1, items: { 'a"': {} } },
    { schema: 1, items: { é: {} } },
    { schema: 1, items: { a: {} }, leftOut: 'a/' },
    { schema: 2, items: { a: {} } },
    { schema: 1, items: Object.fromEntries(Array.from({ length: 9_000 }, (_, at) => [`k${at}`, {}])) },
  ]) {
    assert.equal(readPlainEntry(bytesOf(JSON.stringify(other))), undefined);
  }
  assert.equal(readPlainEntry(bytesOf('{"schema":1,"items":{"a":{}')), undefined);
  assert.equal(readPlainEntry(new Uint8Array()), undefined);
});
