import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { anAnnotation, aPod } from '#testkit/pods/pod-builder.ts';
import { runLatchkey as run } from '#testkit/processes/latchkey-command.ts';
import { terminalJson, terminalLines } from './terminal-text.ts';

const obeyed = /[^\P{C}\n]|[\p{Zl}\p{Zp}]/u;

test('JSON for a terminal is the same value to a program', () => {
  fc.assert(
    fc.property(fc.anything({ withObjectString: true, key: fc.string({ unit: 'binary' }) }), (value) => {
      const plain: unknown = JSON.parse(JSON.stringify({ value }));
      assert.deepEqual(JSON.parse(terminalJson(plain)), plain);
    }),
  );
  assert.equal(terminalJson('a\u202eb\u{e0041}', 0), '"a\\u202eb\\udb40\\udc41"');
  assert.equal(terminalLines('a\u202eb\nc\u001b[2J'), 'a?b\nc?[2J');
});

test('nothing of a hostile pod turns a line of the terminal around, whoever prints it', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-terminal-'));
  t.after(() => rm(folder, { recursive: true }));
  const turned = 'x\u202egpj.exe\u2066\u2028\u001b[2J';
  const pod = join(folder, 'pod.json');
  const object = aPod({
    asks: [{ group: 'db', key: 'pass' }],
    annotations: { [`flyte.secrets/s${turned}`]: turned, [turned]: turned },
    spec: { containers: [{ name: turned, image: turned }] },
  });
  await writeFile(pod, JSON.stringify(object));
  const annotation = anAnnotation({ group: turned, key: turned });
  for (const args of [
    ['explain', pod],
    ['explain', pod, '--json'],
    ['decode', annotation],
    ['explain', turned],
  ]) {
    const { output, errors } = await run(args);
    assert.doesNotMatch(output, obeyed, args.join(' '));
    assert.doesNotMatch(errors, obeyed, args.join(' '));
  }
});
