import assert from 'node:assert/strict';
import { mkdtemp, realpath, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { commandNames } from '#cli/command-line.ts';
import { version } from '#shared/runtime/version.ts';
import { type Builder, type BuiltImage, loadBaseImages, runBuild } from '#testkit/images/build-image.ts';
import { type ContainerEngine, startContainerEngine } from '#testkit/images/container-engine.ts';
import { type ProcessGuard, startProcessGuard } from '#testkit/processes/process-guard.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import { askProviders, imageFiles, importAll } from './image-programs.ts';

/** What the image may have, base and all. */
const mostBytes = 250_000_000;
const services = ['gateway', 'cert-manager', 'discovery', 'resolver'];
/** What each SDK says where it finds no credentials. */
const unreachable = {
  aws: /Could not load credentials from any providers/,
  gcp: /Could not load the default credentials/,
  azure: /getaddrinfo .* vault\.example/,
  'azure credentials': /CredentialUnavailable/,
};

let folder: string;
let guard: ProcessGuard;
let engine: ContainerEngine;
before(async () => {
  folder = await mkdtemp(join(await realpath(tmpdir()), 'latchkey-image-proof-'));
  guard = startProcessGuard(folder);
  engine = await startContainerEngine({ folder: join(folder, 'engine'), network: 'host' }, guard);
  await loadBaseImages(engine, folder);
  await writeFile(join(folder, 'latchkey.yaml'), '', { mode: 0o644 });
});
after(async () => {
  await engine?.stop();
  await guard?.close();
});

/** Is how the manifests run a container: nothing can be written, and nothing may be done. */
const confined = [
  '--read-only',
  '--cap-drop=ALL',
  '--security-opt=no-new-privileges',
  '--user=1000:1000',
  '--network=none',
];

for (const builder of ['buildkit', 'classic'] satisfies Builder[]) {
  describe(`the image that ${builder} builds`, () => {
    const name = `latchkey:${builder}`;
    let built: BuiltImage;
    before(async () => {
      built = await runBuild(engine, name, builder);
    });
    const run = (args: readonly string[], options: readonly string[] = []): Promise<string> =>
      engine.docker(['run', '--rm', ...confined, ...options, name, ...args]);
    const print = (program: string): Promise<string> => run(['--input-type=module', '--eval', program]);

    test('is at most 250 MB, base and all', (t) => {
      const megabytes = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`;
      t.diagnostic(`${megabytes(built.sizeBytes)}, of which ${megabytes(built.ownBytes)} above its base`);
      assert.ok(built.sizeBytes <= mostBytes, `${built.sizeBytes}`);
    });

    test('runs as a user without rights and says its version', async () => {
      assert.equal((await run(['cli/main.ts', '--version'])).trim(), `latchkey ${version}`);
      const [user] = JSON.parse(
        await engine.docker(['image', 'inspect', '--format', '[{{json .Config.User}}]', name]),
      );
      assert.equal(user, '1000:1000');
    });

    test('holds no test, and nothing that only one kind of machine can run', async () => {
      const { tests, binaries, total } = JSON.parse(await print(imageFiles));
      assert.ok(total > 3_000, `${total} files`);
      assert.deepEqual([tests, binaries], [[], []]);
    });

    test('can load every module of every service and command', async () => {
      const { loaded, failed } = JSON.parse(await print(importAll));
      assert.ok(loaded > 400, `${loaded} modules`);
      assert.deepEqual(failed, []);
    });

    test('has what the SDK of each provider loads only when it is asked', async () => {
      const answers: Record<string, string> = JSON.parse(await print(askProviders));
      for (const [manager, pattern] of Object.entries(unreachable)) {
        assert.match(answers[manager] ?? '', pattern, manager);
        assert.doesNotMatch(answers[manager] ?? '', /cannot find|is not a function|is not defined/i, manager);
      }
    });

    test('starts every service up to its configuration, and every command up to its help', async () => {
      for (const service of services) {
        await assert.rejects(run([`services/${service}/main.ts`]), /latchkey\.yaml/, service);
      }
      for (const command of commandNames) {
        assert.match(await run(['cli/main.ts', command, '--help']), new RegExp(`Usage: latchkey ${command}`));
      }
    });

    test('answers /livez with nothing but an empty configuration', async () => {
      const mount = `--volume=${join(folder, 'latchkey.yaml')}:/etc/latchkey/config/latchkey.yaml:ro`;
      const args = ['--max-semi-space-size=8', 'services/gateway/main.ts'];
      const container = (await engine.docker(['run', '--detach', ...confined, mount, name, ...args])).trim();
      const ask = `const answer = await fetch('http://localhost:9090/livez'); console.log(answer.status, await answer.text())`;
      const answer = await waitFor(
        () => engine.docker(['exec', container, 'node', '--input-type=module', '--eval', ask]),
        { timeoutMs: 60_000, what: '/livez of a gateway' },
      );
      assert.match(answer, /^200 .*alive/);
      await engine.docker(['rm', '--force', container]);
    });
  });
}
