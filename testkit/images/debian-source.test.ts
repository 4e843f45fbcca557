import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findDebianUri } from './debian-source.ts';

const stanzas = `Types: deb
URIs: http://security.example/debian-security
Suites: bookworm-security

Types: deb
URIs: http://packages.example/debian
Suites: bookworm bookworm-updates
`;

test('the address of the release itself is found, not that of its updates', () => {
  assert.equal(findDebianUri([stanzas], 'bookworm'), 'http://packages.example/debian');
  assert.equal(findDebianUri([stanzas], 'trixie'), undefined);
});

test('lines of sources.list are read, with options or without', () => {
  const lines =
    '# deb http://old.example/debian bookworm main\ndeb [arch=amd64] http://one.example/debian bookworm main\n';
  assert.equal(findDebianUri(['', lines], 'bookworm'), 'http://one.example/debian');
  assert.equal(
    findDebianUri(['deb http://two.example/debian trixie main'], 'trixie'),
    'http://two.example/debian',
  );
});
