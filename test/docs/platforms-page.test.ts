import assert from 'node:assert/strict';
import { glob, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import { desiredWebhook, webhookName } from '#shared/installation/webhook-configuration.ts';

const root = join(import.meta.dirname, '../..');
const read = (path: string): Promise<string> => readFile(join(root, path), 'utf8');
const page = await read('docs/platforms.md');

/** Mirrors what the page says something about in an object of deploy/. */
interface DeployedObject {
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string> };
  spec?: {
    ports?: { name: string; port: number; targetPort: string }[];
    strategy?: { rollingUpdate: Record<string, number> };
    template?: {
      spec: {
        hostNetwork?: boolean;
        containers: {
          env?: { name: string; value?: string }[];
          ports?: { name?: string; containerPort: number }[];
        }[];
      };
    };
  };
}

const objectsOf = async (path: string): Promise<DeployedObject[]> =>
  parseAllDocuments(await read(path)).map((document) => document.toJS() as DeployedObject);

/** The rows of the table of ports, as port and file. */
const rows = Array.from(
  page.matchAll(/^\|.*\| `(\d+)` +\| (?:`([^`]+)`|all Deployments) +\|$/gm),
  ([, port = '', file]) => ({ port: Number(port), file }),
);

test('the table has each port of the manifests, and none that there is not', async () => {
  const deployed = new Set<number>();
  for await (const path of glob('deploy/**/*.yaml', { cwd: root })) {
    for (const object of await objectsOf(path)) {
      const containers = object?.spec?.template?.spec.containers ?? [];
      for (const { ports = [] } of containers) for (const each of ports) deployed.add(each.containerPort);
    }
  }
  assert.deepEqual(new Set(rows.map(({ port }) => port)), deployed);
  for (const { port, file } of rows) {
    if (file === undefined) continue;
    const objects = await objectsOf(file);
    const has = JSON.stringify(objects).includes(`"containerPort":${port}`);
    assert.ok(has, `${file} has no port ${port}`);
  }
});

test('the Service of the page leads to the port of the page by its name, which the patch keeps', async () => {
  const objects = await objectsOf('deploy/gateway.yaml');
  const service = objects.find(({ kind }) => kind === 'Service');
  assert.ok(
    page.includes(`Service \`${service?.metadata.name}\` (port \`${service?.spec?.ports?.[0]?.port}\`)`),
  );
  const gateway = objects.find(({ kind }) => kind === 'Deployment');
  const [container] = gateway?.spec?.template?.spec.containers ?? [];
  const portNamed = (name?: string) => container?.ports?.find((port) => port.name === name)?.containerPort;
  const numberOf = (name: string) => Number(container?.env?.find((each) => each.name === name)?.value);
  assert.equal(portNamed(service?.spec?.ports?.[0]?.targetPort), 9443);
  assert.deepEqual([numberOf('WEBHOOK_PORT'), numberOf('HEALTH_PORT')], [9443, 9090]);
  assert.deepEqual(gateway?.spec?.strategy?.rollingUpdate, { maxUnavailable: 0, maxSurge: 1 });
});

test('the patches for the network of the nodes are about objects that there are', async () => {
  const [, block = ''] = /```yaml\n([\s\S]*?)```/.exec(page) ?? [];
  const { patches } = parse(block) as { patches: { patch: string }[] };
  const [deployment, namespace] = patches.map(({ patch }) => parse(patch) as DeployedObject);
  const named = async (path: string, kind: string) =>
    (await objectsOf(path)).find((object) => object.kind === kind)?.metadata;
  const gateway = await named('deploy/gateway.yaml', 'Deployment');
  assert.deepEqual(deployment?.metadata, { name: gateway?.name, namespace: gateway?.namespace });
  assert.equal(deployment?.spec?.template?.spec.hostNetwork, true);
  const deployed = await named('deploy/namespace.yaml', 'Namespace');
  assert.equal(namespace?.metadata.name, deployed?.name);
  const [label = ''] = Object.keys(namespace?.metadata.labels ?? {});
  assert.equal(deployed?.labels?.[label], 'restricted');
});

test('every file, link and name of the page is there', async () => {
  const paths = page.matchAll(/`((?:deploy|shared|test)\/[\w./-]+)`/g);
  for (const [, path = ''] of paths) await stat(join(root, path));
  for (const [, link = '', anchor] of page.matchAll(/\]\(([\w.-]+)(?:#([\w-]+))?\)/g)) {
    const target = await read(join('docs', dirname(link), link));
    const anchors = Array.from(target.matchAll(/^#+ (.*)$/gm), ([, title = '']) =>
      title
        .toLowerCase()
        .replace(/[^\w -]/g, '')
        .replaceAll(' ', '-'),
    );
    if (anchor !== undefined) assert.ok(anchors.includes(anchor), `${link}#${anchor}`);
  }
  assert.ok(page.includes(`"${webhookName}"`));
  const config = latchkeyConfigSchema.parse({});
  const { namespaceSelector } = desiredWebhook(config.webhook, 'latchkey', '');
  assert.ok(namespaceSelector !== undefined);
  for (const [, field = ''] of page.matchAll(/`webhook\.(\w+)`/g)) {
    assert.ok(field in latchkeyConfigSchema.shape.webhook.unwrap().shape, field);
  }
});
