import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';

const page = await readFile(join(import.meta.dirname, '../../docs/capacity.md'), 'utf8');
const numberOf = (text: string): number => Number(text.replaceAll(',', ''));

/** The value of a constant, whatever its unit. */
function constant(name: string): number {
  const [, value = ''] = new RegExp(`^\\| ${name}[^|]*\\| ([\\d.,]+)`, 'm').exec(page) ?? [];
  assert.notEqual(value, '', name);
  return numberOf(value);
}

const rowsBelow = (heading: string): number[][] => {
  const section = page.slice(page.indexOf(`## ${heading}\n`)).split('\n## ')[0] ?? '';
  return Array.from(section.matchAll(/^\| [\d,]+ .*$/gm), ([row]) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => numberOf(/[\d.,]+/.exec(cell)?.[0] ?? '')),
  );
};

test('the numbers of gateways follow from the constants', () => {
  const cpuMs = [
    'CPU time of an admission',
    'of one of 12 KB',
    'of one with 50 secrets, as',
    'of one with 50 secrets that',
  ].map(constant);
  const share = constant('part of a core') / 100;
  for (const [podsAMinute = 0, aSecond, ...gateways] of rowsBelow('Gateways')) {
    assert.equal(aSecond, Math.round(podsAMinute / 60));
    assert.deepEqual(
      gateways,
      cpuMs.map((ms) => Math.max(2, Math.ceil(((podsAMinute / 60) * ms) / 1_000 / share))),
    );
  }
});

test('the traffic of NATS follows from the constants', () => {
  const [changeKb, restKb] = [constant('bytes that NATS sends'), constant('bytes a second')];
  for (const [gateways = 0, rest, changes] of rowsBelow('NATS')) {
    assert.equal(rest, Math.round(gateways * 2 * restKb));
    const kb = 10 * gateways * changeKb;
    assert.equal(changes, kb >= 1_000 ? kb / 1_000 : kb);
  }
});
