import { cp, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');

/** A change of one file of the code: every place that matches; there must be one. */
export interface Patch {
  file: string;
  find: RegExp | string;
  replace: string;
}

/** Another version of the code, as it would be in its own image: the services of this checkout with changes. */
export interface OtherVersion {
  patches: readonly Patch[];
  /** Files that it has besides, or instead, by path. */
  files?: Readonly<Record<string, string>>;
  /** Files that have another name there. */
  renamed?: Readonly<Record<string, string>>;
}

/** Writes another version into a new folder. Throws when a patch does not fit the code any more. */
export async function writeVersion(folder: string, version: OtherVersion): Promise<void> {
  for (const path of ['services', 'shared', 'package.json']) {
    const filter = (source: string) => !source.endsWith('.test.ts');
    await cp(join(root, path), join(folder, path), { recursive: true, filter });
  }
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  for (const { file, find, replace } of version.patches) {
    const path = join(folder, file);
    const text = await readFile(path, 'utf8');
    const patched = typeof find === 'string' ? text.replaceAll(find, replace) : text.replace(find, replace);
    if (patched === text) throw new Error(`${file} has no ${find} that another version could change`);
    await writeFile(path, patched);
  }
  for (const [from, to] of Object.entries(version.renamed ?? {}))
    await cp(join(folder, from), join(folder, to));
  for (const [path, text] of Object.entries(version.files ?? {})) await writeFile(join(folder, path), text);
}

/** A version that adds an optional field to every message and writes it everywhere. */
export const oneFieldMore: OtherVersion = {
  patches: [
    ...[
      'bus/heartbeat',
      'bus/manifest',
      'inventory/inventory-entry',
      'inventory/inventory-namespace',
      'rules/rule-entry',
      'rules/rule-recipe',
    ].map((contract) => ({
      file: `shared/contracts/${contract}.ts`,
      find: 'schema: z.literal(1)',
      replace: "addedLater: z.literal('known').optional(), schema: z.literal(1)",
    })),
    {
      file: 'shared/bus/publish/desired-set.ts',
      find: 'JSON.stringify(value)',
      replace: "JSON.stringify({ ...(value as object), addedLater: 'known' })",
    },
    {
      file: 'shared/bus/publish/prefix-store.ts',
      find: 'JSON.stringify(manifest)',
      replace: "JSON.stringify({ ...manifest, addedLater: 'known' })",
    },
    {
      file: 'shared/bus/link/heartbeats.ts',
      find: 'JSON.stringify(body)',
      replace: "JSON.stringify({ ...body, addedLater: 'known' })",
    },
  ],
};

/** A version whose recipes make an edit that others do not know. */
export const unknownEdit: OtherVersion = {
  patches: [
    {
      file: 'services/resolver/rule-set.ts',
      find: 'note(recipeKey, manager.recipe(config))',
      replace:
        "note(recipeKey, { ...manager.recipe(config), edits: { env: [{ shine: 'brightly' }], file: [] } } as never)",
    },
  ],
};

/** Name of the bucket of version 2 in place of that of version 1, wherever it occurs in a text. */
export const secondBucket = (text: string): string =>
  text.replace(/latchkey_(rules|inventory)/, 'latchkey_$1_v2');

/** nats.conf as an incompatible version has it: what a user may do with a bucket, it may do with the one of version 2. */
export const withSecondBuckets = (configuration: string): string =>
  configuration
    .split('\n')
    .flatMap((line) => (secondBucket(line) === line ? [line] : [line, secondBucket(line)]))
    .join('\n');

/**
 * What an incompatible version changes for good. Records have another form, which those who know the first cannot read,
 * in buckets of their own. Heartbeats are in no bucket: a position in version 2 stands in a field of its own beside that
 * in version 1, for as long as somebody may read that.
 */
const secondForm: readonly Patch[] = [
  {
    file: 'shared/contracts/bus/bucket.ts',
    find: /'latchkey_(inventory|rules)'/g,
    replace: "'latchkey_$1_v2'",
  },
  {
    file: 'shared/bus/read/set-changes.ts',
    find: /body\.schema === 1\s*\? body/,
    replace: "body.schema === 2 && 'content' in body ? body.content",
  },
  {
    file: 'shared/contracts/bus/heartbeat.ts',
    find: 'seq: z.int()',
    replace: 'second: z.object({ epoch: z.number(), seq: z.number() }).optional(), seq: z.int()',
  },
  {
    file: 'shared/bus/link/heartbeats.ts',
    find: 'const heartbeat = checkShape(heartbeatSchema, body).data;',
    replace: `const known = checkShape(heartbeatSchema, body).data;
    const heartbeat =
      known && { ...known, applied: known.applied.map((it) => ({ ...it, ...it.second })) };`,
  },
];

/** The publisher of version 2, given the functions of both. */
const publisherFile = (body: string): string => `
import type { Bus } from '#shared/bus/link/bus.ts';
import { createPublisher as createOne, type PublishedRecord, type Publisher } from './one-publisher.ts';
export type { PublishedRecord, Publisher } from './one-publisher.ts';

const wrap = (value: unknown) => ({ schema: 2, content: value });
const wrapAll = (records: ReadonlyMap<string, PublishedRecord>) =>
  new Map([...records].map(([key, record]) => [key, { ...record, value: wrap(record.value) }]));
const unwrap = (body: unknown) => (body as { content?: unknown } | undefined)?.content;

export function createPublisher(bus: Bus, options: Parameters<typeof createOne>[1]): Publisher {
${body}
}
`;

/** The release that introduces version 2: it reads the new buckets and writes old and new ones. */
export const bothVersions: OtherVersion = {
  patches: [
    ...secondForm,
    {
      file: 'shared/bus/link/buckets.ts',
      find: '[inventoryBucket, rulesBucket]',
      replace: "[inventoryBucket, rulesBucket, 'latchkey_inventory', 'latchkey_rules']",
    },
  ],
  renamed: { 'shared/bus/publish/publisher.ts': 'shared/bus/publish/one-publisher.ts' },
  files: {
    'shared/bus/publish/publisher.ts': publisherFile(`
  const first = createOne(bus, { ...options, bucket: options.bucket.replace('_v2', '') });
  // Who holds the first is known to publishers that know nothing else.
  const second = createOne(bus, { ...options, mayClaim: () => first.epoch() !== undefined });
  return {
    replace: (records) => {
      first.replace(records);
      second.replace(wrapAll(records));
    },
    complete: () => {
      first.complete();
      second.complete();
    },
    put: (key, value, trace) => {
      first.put(key, value, trace);
      second.put(key, wrap(value), trace);
    },
    remove: (key, trace) => {
      first.remove(key, trace);
      second.remove(key, trace);
    },
    inOneSet: (work) => first.inOneSet(second.inOneSet(work)),
    claimed: () => second.claimed().then(first.claimed),
    epoch: first.epoch,
    stored: first.stored,
    published: () => {
      const position = second.published();
      const known = first.published();
      return position && known && { ...known, second: { epoch: position.epoch, seq: position.seq } };
    },
    pendingMs: () => Math.max(first.pendingMs(), second.pendingMs()),
    stop: async () => {
      await second.stop();
      await first.stop();
    },
  };`),
  },
};

/** The release after that: it knows nothing of version 1. */
export const secondVersion: OtherVersion = {
  patches: secondForm,
  renamed: bothVersions.renamed ?? {},
  files: {
    'shared/bus/publish/publisher.ts': publisherFile(`
  const one = createOne(bus, options);
  return {
    ...one,
    replace: (records) => one.replace(wrapAll(records)),
    put: (key, value, trace) => one.put(key, wrap(value), trace),
    stored: (key) => unwrap(one.stored(key)),
    published: () => {
      const position = one.published();
      return position && { ...position, second: { epoch: position.epoch, seq: position.seq } };
    },
  };`),
  },
};
