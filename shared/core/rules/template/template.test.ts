import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compileTemplate, literal, type Variables } from './template.ts';

const variables: Variables = {
  group: 'Db',
  groupVersion: 'V1',
  key: 'Pass',
  envVar: '',
  namespace: 'ns',
  versionedGroup: 'Db_V1',
  id: 'abc',
  entry: { secretName: 'copy' },
};
const render = (text: string, over: Partial<Variables> = {}): string =>
  compileTemplate(text, 'here')({ ...variables, ...over });

test('variables, filters and plain text are joined', () => {
  assert.equal(
    render('_FSEC_${group|upper}_${key|lower}:${entry.secretName}${envVar}$'),
    '_FSEC_DB_pass:copy$',
  );
  assert.equal(render('${versionedGroup|base32}'), 'irrf5vrr');
  assert.equal(render(''), '');
});

test('a text without variables is rendered as it is', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      fc.pre(!text.includes('${'));
      assert.equal(render(text), text);
    }),
  );
});

test('a filter may take an argument', () => {
  assert.equal(render('${group|trimEnd::}', { group: ':a:b::' }), ':a:b');
  assert.equal(render('${group|trimStart::}', { group: ':a:b::' }), 'a:b::');
  assert.equal(render('${group|trimEnd:/|lastSegment|lower}', { group: 'https://h/S//' }), 's');
  assert.equal(render('${key|goField:.Data.data}', { key: 'API_KEY' }), '.Data.data.API_KEY');
  for (const key of ['api-key', '2fa', 'tls.key', '']) {
    assert.equal(render('${key|goField:.Data}', { key }), `index .Data "${key}"`);
  }
});

test('a literal is rendered as it is, whatever it holds', () => {
  const text = fc.string({ unit: fc.constantFrom('$', '{', '}', 'group', '|') });
  fc.assert(fc.property(text, text, (a, b) => assert.equal(render(literal(a)) + render(literal(b)), a + b)));
  fc.assert(fc.property(text, (a) => assert.equal(render(`${literal(a)} \${group}`), `${a} Db`)));
});

test('a long volume name is replaced by one that fits, always the same', () => {
  const name = render('${group|base32|volumeName}', { group: 'g'.repeat(40) });
  assert.match(name, /^s-[0-9a-f]{16}$/);
  assert.equal(name, render('${group|base32|volumeName}', { group: 'g'.repeat(40) }));
  assert.notEqual(name, render('${group|base32|volumeName}', { group: 'g'.repeat(41) }));
});

/** What the kubelet makes of an env value when every variable is set to `EXPANDED` (forked/golang/expansion). */
function expand(value: string): string {
  return value.replace(/\$(\$|\([^)]*\)|)/gs, (whole, next: string) =>
    next === '$' ? '$' : next === '' ? whole : 'EXPANDED',
  );
}

test('a value escaped for env reaches the task unexpanded', () => {
  assert.equal(render('${entry.value|envLiteral}', { entry: { value: 'pa$(HOMEX)ss' } }), 'pa$$(HOMEX)ss');
  const value = fc.string({ unit: fc.constantFrom('$', '(', ')', 'A', '{') });
  fc.assert(
    fc.property(value, (secret) => {
      assert.equal(expand(render('${entry.value|envLiteral}', { entry: { value: secret } })), secret);
    }),
  );
});

test('a wrong template is refused with its place', () => {
  const wrong = [
    '${group',
    '${nobody}',
    '${group|shout}',
    '${entry.}',
    '${}',
    '${__proto__}',
    '${entry.a.b}',
  ];
  for (const text of wrong) {
    assert.throws(() => compileTemplate(text, 'edits.env[0].name'), {
      code: 'RECIPE_INVALID',
      message: /^edits\.env\[0\]\.name: /,
    });
  }
});

test('an entry without the variable that is read makes the rule unknown, not empty', () => {
  assert.throws(() => render('${entry.secretKey}'), { code: 'RULES_UNKNOWN' });
  assert.throws(() => render('${entry.toString}'), { code: 'RULES_UNKNOWN' });
});

test('a variable goes through 8 filters at most', () => {
  assert.equal(render(`\${group${'|upper'.repeat(8)}}`), 'DB');
  assert.throws(() => render(`\${group${'|upper'.repeat(9)}}`), {
    code: 'RECIPE_INVALID',
    message: /"group" goes through 9 filters, 8 are possible/,
  });
});

test('a text that filters multiply makes the pod too large, and names the filter, not the text', () => {
  for (const [filter, part] of [
    ['base32', 'k'],
    ['envLiteral', '$('],
    ['goField:.a', '"'],
  ] as const) {
    const key = part.repeat(1_000);
    assert.throws(() => render(`\${key${`|${filter}`.repeat(8)}}`, { key }), {
      code: 'POD_TOO_LARGE',
      message: new RegExp(`"key" becomes too long by filter "${filter.split(':')[0]}" in here`),
    });
  }
});

test('every filter alone takes any text', () => {
  const hostile = fc.string({
    unit: fc.constantFrom('$', '(', '"', '\\', '\u0001', '\ud800', '\u0390', '\u20ac', 'İ'),
  });
  const filter = fc.constantFrom('upper', 'lower', 'base32', 'envLiteral', `goField:${'.a'.repeat(100)}`);
  fc.assert(fc.property(hostile, filter, (key, name) => void render(`\${key|${name}}`, { key })));
});
