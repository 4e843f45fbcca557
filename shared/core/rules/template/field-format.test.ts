import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fieldFormatFault, formatRule } from './field-format.ts';

const faultOf = (value: string, rule: object): string | undefined =>
  fieldFormatFault(value, { required: false, forbiddenPrefixes: [], ...rule });

test('a refusal says which rule a value breaks, and where', () => {
  for (const [format, value, fault] of [
    ['path', 'a b', 'may hold only letters, digits, "-", "_", "." and "/", not " " (character 2)'],
    ['path', 'aé', 'may hold only letters, digits, "-", "_", "." and "/", not "é" (character 2)'],
    ['path', '/a', 'may not begin with "/"'],
    ['path', 'a/', 'may not end with "/"'],
    ['path', 'a/b//c', 'may not have "//" (character 4)'],
    ['path', 'a/../b', 'may not have a part that begins with ".." (character 3)'],
    ['path', '..', 'may not have a part that begins with ".." (character 1)'],
    ['path', 'a/./b', 'may not have a part "." (character 3)'],
    ['path', 'a/.', 'may not have a part "." (character 3)'],
    ['arn', 'a:/..b', 'may not have a part that begins with ".." (character 4)'],
    ['secret-key', '..data', 'may not begin with ".."'],
    ['secret-key', '.', 'may not be "."'],
    ['env-name', '7a', 'may not begin with a digit'],
    ['dns1123-subdomain', '-db', 'may not begin with "-"'],
    ['dns1123-subdomain', 'db.', 'may not end with "."'],
    ['dns1123-subdomain', '.', 'may not begin with "."'],
    ['dns1123-subdomain', 'a..b', 'may not have ".." (character 2)'],
    ['dns1123-subdomain', 'a-.b', 'may not have "-." (character 2)'],
    ['dns1123-subdomain', 'a.-b', 'may not have ".-" (character 2)'],
    [
      'dns1123-subdomain',
      'Db',
      'may hold only lower-case letters, digits, "-" and ".", not "D" (character 1)',
    ],
    ['https-url', 'http://h/p', 'must begin with "https://"'],
    ['https-url', 'https://h', 'must have a host and a path behind it'],
    ['https-url', 'https://h:1/p', 'may not have ":" (character 10)'],
    ['https-url', 'https://h//p', 'may not have "//" (character 10)'],
  ] as const) {
    assert.equal(faultOf(value, { format }), fault, value);
  }
});

test('a name that is a part of a path cannot be left out where a recipe demands it', () => {
  const url = { format: 'https-url', leastSegments: 2 };
  for (const value of ['https://h/p', 'https://h/p/']) {
    assert.equal(faultOf(value, url), 'must have at least 2 parts behind the host, with "/" between');
  }
  assert.equal(faultOf('https://h', url), 'must have a host and a path behind it');
  for (const value of ['https://h/p/q', 'https://h/p/q/', 'https://h/p/q/r'])
    assert.equal(faultOf(value, url), undefined);
  const path = { format: 'path', leadingSlash: true, leastSegments: 2 };
  for (const value of ['a', '/a'])
    assert.equal(faultOf(value, path), 'must have at least 2 parts with "/" between');
  for (const value of ['a/b', '/a/b']) assert.equal(faultOf(value, path), undefined);
});

test('values of a format are accepted, and what a rule adds to it', () => {
  for (const [rule, values] of [
    [{ format: 'path' }, ['a', 'a/b', '.a/b.', '-a', 'a..b', 'a/b..']],
    [{ format: 'path', alsoHolds: ':@+', leadingSlash: true }, ['/a', 'a:b', 'jo+x@h/b', ':/a']],
    [{ format: 'arn', alsoHolds: '!' }, ['arn:aws:s:r:1:secret:rds!a-b', '!']],
    [{ format: 'dns1123-subdomain' }, ['a', '1.a-b.c']],
    [{ format: 'https-url' }, ['https://h/p', 'https://h/p/q/']],
    [{ format: 'env-name' }, ['a.b-c', '_1', '-a']],
  ] as const) {
    for (const value of values) assert.equal(faultOf(value, rule), undefined, value);
  }
  const path = { format: 'path', leadingSlash: true };
  assert.equal(faultOf('//a', path), 'may not have "//" (character 1)');
  assert.equal(faultOf('/', path), 'may not begin with "/"');
  assert.equal(
    formatRule({ format: 'path', alsoHolds: ':', leadingSlash: true }),
    'letters, digits, "-", "_", "." and "/", besides ":", with one "/" in front at most',
  );
});
