import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeLack, type Machine } from './required-programs.ts';

const programs = { dockerd: 'docker.io', docker: 'docker.io', mmdebstrap: 'mmdebstrap' };
const machine = (different: Partial<Machine> = {}): Machine => ({
  platform: 'linux',
  isRoot: true,
  has: () => true,
  ...different,
});

test('a machine that has everything lacks nothing', () => {
  assert.equal(describeLack('The image', programs, machine()), undefined);
});

test('what is missing is named with the packages to install, each once', () => {
  const has = (program: string) => program === 'mmdebstrap';
  assert.equal(
    describeLack('The image', programs, machine({ has })),
    'The image needs dockerd, docker: apt-get install -y --no-install-recommends docker.io',
  );
});

test('another system and another user are named before any package', () => {
  const has = () => false;
  assert.match(describeLack('It', programs, machine({ platform: 'darwin', has })) ?? '', /Linux.* darwin\.$/);
  assert.match(describeLack('It', programs, machine({ isRoot: false, has })) ?? '', /run it as root\.$/);
});
