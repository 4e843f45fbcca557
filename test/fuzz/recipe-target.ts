import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { parseLatchkeyConfig } from '#shared/config/latchkey-file.ts';
import { type LatchkeyConfig, latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { admit } from '#shared/core/admission/admit.ts';
import { serviceProblems } from '#shared/managers/chain/chain-problems.ts';
import { createOfflineRules, inventorySchema } from '#shared/managers/chain/offline-rules.ts';
import { ownManager } from '#shared/managers/custom/own-manager.ts';
import { checkRecipe, parseRecipe } from '#shared/managers/custom/recipe-file.ts';
import { aPod, aReview } from '#testkit/pods/a-pod.ts';
import type { Random } from '#testkit/properties/random.ts';
import { judgeAdmission } from './admission-oracle.ts';
import type { CaseNotes, FuzzTarget } from './fuzz-target.ts';
import { below, jsonBytes, mutateBytes, mutateJson, oddText } from './mutate.ts';

const deploy = join(import.meta.dirname, '../../deploy');
const files = [
  'recipes/bank-vaults.yaml',
  'recipes/aws-secrets-store-csi.yaml',
  'recipes/confidant.yaml',
  'latchkey.yaml',
];
const policy = { default: 'deny', rules: [{ name: 'a', groups: ['d*'], projects: ['p*'] }] };
const richConfig = {
  chain: ['global', 'k8s', 'aws', 'own'],
  custom: { own: 'own.yaml' },
  policy,
  limits: { managerMiB: 64 },
};

/** Pieces of YAML that have brought readers down. */
const yamlPieces = [
  '&a [*a, *a]',
  'a: &a {x: 1}\nb: *a\n',
  '<<: *missing',
  '!!js/function "x"',
  '!!binary "%%%"',
  '? [a, b]\n: c\n',
  '---\n',
  '%YAML 9.9\n',
  '\t',
  '"\\ud800"',
  '[['.repeat(200),
  '{a: '.repeat(80),
  `${'&x [*x,'.repeat(9)}`,
  '__proto__: {polluted: true}\n',
  '| \n  text',
  '0x1F',
  '.nan',
  '2026-11-30',
];

function mutateYaml(random: Random, text: string): string {
  const lines = text.split('\n');
  const at = below(random, lines.length);
  const change = below(random, 5);
  if (change === 0) lines.splice(at, 1);
  else if (change === 1) lines.splice(at, 0, random.pick(yamlPieces));
  else if (change === 2) lines.splice(at, 1, (lines[at] ?? '') + random.pick(yamlPieces));
  else if (change === 3) lines.splice(at, 0, ...lines.slice(below(random, lines.length), at + 3));
  else return Buffer.from(mutateBytes(random, Buffer.from(text))).toString('utf8');
  return lines.join('\n');
}

function fuzzedText(random: Random, sources: readonly { text: string; value: unknown }[]): string {
  const { text, value } = random.pick(sources);
  if (random.chance(0.4)) return random.chance(0.1) ? text : mutateYaml(random, text);
  let changed: unknown = structuredClone(value);
  for (let left = 1 + below(random, 3); left > 0; left--) changed = mutateJson(random, changed);
  return Buffer.from(jsonBytes(changed)).toString('utf8');
}

/** Recipes and configurations as operators write them, and otherwise: each is taken or refused with a reason. */
export const recipeTarget: FuzzTarget = {
  name: 'recipe',
  share: 10,
  open: async () => {
    const texts = await Promise.all(files.map((file) => readFile(join(deploy, file), 'utf8')));
    const sources = [...texts, JSON.stringify(richConfig)].map((text) => ({ text, value: parse(text) }));
    const config = latchkeyConfigSchema.parse({ chain: ['own'], custom: { own: 'own.yaml' } });
    return {
      run: (random, notes) => {
        const text = fuzzedText(random, sources);
        notes.input(text);
        const read = refusedOr(() => parseLatchkeyConfig(text, 'latchkey.yaml', serviceProblems));
        notes.outcome(read === undefined ? 'configuration refused' : 'configuration taken');
        tryRecipe(random, text, config, notes);
      },
    };
  },
};

function tryRecipe(random: Random, text: string, config: LatchkeyConfig, notes: CaseNotes): void {
  const checked = checkRecipe(text);
  if ('faults' in checked) {
    notes.outcome('recipe refused');
    if (checked.faults.length === 0) throw new Error('it is refused for nothing');
  }
  const manager = refusedOr(() => ownManager('own', parseRecipe(text, 'own.yaml', config), config));
  if (manager === undefined) return;
  notes.outcome('recipe taken');
  // A recipe that was taken may still be refused for a pod, never be the end of a gateway.
  const rules = createOfflineRules(config, [manager])(inventorySchema.parse({}), 'ns');
  const group = random.chance(0.8) ? 'team' : oddText(random);
  const asks = [{ group, key: 'pass', groupVersion: random.pick(['', '1']), envVar: random.pick(['', 'E']) }];
  judgeAdmission(admit, jsonBytes(aReview(aPod({ asks }))), rules, notes);
}

/** What it gives; undefined when it refuses with a reason of ours. @throws whatever else it throws */
function refusedOr<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof LatchkeyError)) throw error;
    return undefined;
  }
}
