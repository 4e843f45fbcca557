import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compileGlob } from '#shared/core/rules/policy/glob.ts';
import { allowing } from '#testkit/pods/allowing.ts';
import { propertyRuns } from '#testkit/properties/property-runs.ts';

const arn = 'arn:aws:secretsmanager:eu-west-1:1:secret';
const vault = 'https://pay.vault.azure.net';
const defaults = ['allow', 'deny'] as const;

test('a rule for names that begin alike gives out no AWS secret that another keeps, by the six characters of its ARN', () => {
  for (const byDefault of defaults) {
    for (const glob of ['db-*', 'db-??????', '*-AbCdE9']) {
      const allows = allowing('aws', { owner: [`${arn} db`], dev: [`${arn} ${glob}`], default: byDefault });
      assert.deepEqual([allows('dev', arn, 'db'), allows('dev', arn, 'db-AbCdE9')], [false, false], glob);
      assert.equal(allows('owner', arn, 'db'), true);
      if (glob === 'db-*') assert.equal(allows('dev', arn, 'db-replica'), true);
    }
  }
});

test('an AWS secret that is kept by its whole ARN is not given out by a rule for its name with a wildcard', () => {
  const allows = allowing('aws', { owner: [`${arn} db-AbCdE9`], dev: [`${arn} ?b`, `${arn} x*`] });
  assert.deepEqual([allows('dev', arn, 'db'), allows('dev', arn, 'db-AbCdE9')], [false, false]);
  assert.equal(allows('owner', arn, 'db-AbCdE9'), true);
});

test('a rule with a wildcard in the place of data gives out no Vault path that another keeps', () => {
  for (const byDefault of defaults) {
    const nested = allowing('vault', { owner: ['kv/ml/prod'], dev: ['kv/ml/d*'], default: byDefault });
    assert.deepEqual([nested('dev', 'kv/ml/prod', 'k'), nested('owner', 'kv/ml/prod', 'k')], [false, true]);
    assert.equal(nested('dev', 'kv/ml/data/prod', 'k'), false);
    assert.equal(nested('dev', 'kv/ml/dev', 'k'), true);
    const single = allowing('vault', { owner: ['kv/prod'], dev: ['kv/d*'], default: byDefault });
    assert.deepEqual([single('dev', 'kv/data/prod', 'k'), single('dev', 'kv/dev', 'k')], [false, true]);
    assert.deepEqual([single('owner', 'kv/data/prod', 'k'), single('owner', 'kv/prod', 'k')], [true, true]);
  }
});

test('a rule for certificates, another host or versions gives out no Azure secret that another keeps', () => {
  for (const glob of [`${vault}/certificates/*`, 'https://pay.vaultcore.*', `${vault}/secrets/db/*`]) {
    const allows = allowing('azure', { owner: [`${vault}/secrets/db`], dev: [glob] });
    for (const uri of [
      `${vault}/certificates/db`,
      'https://pay.vaultcore.azure.net/secrets/db',
      `${vault}/secrets/db/0123`,
      `${vault}/secrets/db`,
    ]) {
      assert.equal(allows('dev', uri), false, `${glob} ${uri}`);
    }
    assert.equal(allows('owner', `${vault}/secrets/db`), true);
    assert.equal(allows('owner', `${vault}/secrets/db/0123`), true);
  }
});

test('of two rules that name one secret one is enough in each of its spellings', () => {
  const wide = allowing('vault', { owner: ['kv/ml/prod'], dev: ['kv/ml/*'] });
  for (const group of ['kv/ml/prod', 'kv/data/ml/prod', 'kv/ml/data/prod']) {
    assert.equal(wide('dev', group, 'k'), true, group);
  }
  const written = allowing('vault', { owner: ['kv/prod'], dev: ['kv/data/prod'] });
  for (const group of ['kv/prod', 'kv/data/prod']) assert.equal(written('dev', group, 'k'), true, group);
  const aws = allowing('aws', { owner: [`${arn} db`], dev: [`${arn} db*`] });
  assert.deepEqual([aws('dev', arn, 'db'), aws('dev', arn, 'db-AbCdE9')], [true, true]);
  const azure = allowing('azure', { owner: [`${vault}/secrets/db`], dev: [`${vault}/*`] });
  assert.deepEqual(
    [azure('dev', `${vault}/secrets/DB`), azure('dev', `${vault}/certificates/db`)],
    [true, true],
  );
});

test('a rule that writes a name itself is kept from it by none about a longer one', () => {
  const words = allowing('aws', { owner: [`${arn} db`], dev: [`${arn} db-writer`] });
  assert.deepEqual([words('dev', arn, 'db-writer'), words('owner', arn, 'db')], [true, true]);
  assert.equal(
    allowing('aws', { owner: [`${arn} db`], dev: [`${arn} db-AbCdE9`] })('owner', arn, 'db'),
    true,
  );
  const below = allowing('vault', { owner: ['kv/ml pub*'], dev: ['kv/ml/pub/keys'] });
  assert.equal(below('dev', 'kv/ml/pub/keys', 'private'), true);
  const version = allowing('azure', { owner: [`${vault}/secrets/db`], dev: [`${vault}/secrets/db/0123`] });
  assert.equal(version('owner', `${vault}/secrets/db`), true);
});

/** A secret, and what else may be the same one. */
interface Spelled {
  manager: string;
  plain: string;
  others: string[];
}
const word = fc.string({ unit: fc.constantFrom('a', 'b', 'd'), minLength: 1, maxLength: 3 });
const six = fc.constantFrom('AbCdE9', 'abcdef', '012345', 'Zzzzzz');
const spelled: fc.Arbitrary<Spelled> = fc.oneof(
  fc.tuple(word, six).map(([name, suffix]) => ({
    manager: 'aws',
    plain: `${arn} ${name}`,
    others: [`${arn} ${name}-${suffix}`, `arn:aws secretsmanager:eu-west-1:1:secret:${name}-${suffix}`],
  })),
  fc.tuple(word, word, word).map(([mount, folder, name]) => ({
    manager: 'vault',
    plain: `${mount}/${folder}/${name} k`,
    others: ['data/@/#', '@/data/#', 'data/@/data/#', 'data/data/@/#'].map(
      (path) => `${mount}/${path.replace('@', folder).replace('#', name)} k`,
    ),
  })),
  fc.tuple(word, word).map(([host, name]) => ({
    manager: 'azure',
    plain: `https://${host}.vault.azure.net/secrets/${name}`,
    others: [
      `https://${host}.vault.azure.net/certificates/${name}`,
      `https://${host}.vault.azure.net/keys/${name}/0123`,
      `https://${host}.vaultcore.azure.net/secrets/${name}`,
      `https://${host.toUpperCase()}.vault.azure.net./secrets/${name.toUpperCase()}`,
      `https://${host}.vault.azure.net/secrets/${name}/0123`,
    ],
  })),
);

/** What another rule may look like: a spelling as it is written, or with a wildcard for some of it. */
const globOf = (spellings: readonly string[]): fc.Arbitrary<string> =>
  fc
    .tuple(fc.constantFrom(...spellings), fc.nat(60), fc.nat(12), fc.constantFrom('*', '?', '', '??'))
    .map(([text, from, length, wildcard]) => {
      const at = text.length - 1 - Math.min(from, text.length - 1);
      return `${text.slice(0, at)}${wildcard}${text.slice(at + length)}`;
    })
    // What ends in a word is taken to be meant: `db-writer` beside `db`.
    .filter((text) => /^[^ ]+( [^ ]+)?$/.test(text) && !/-[a-z]{6}$/.test(text));
const aCase = spelled.chain((secret) =>
  fc.record({
    secret: fc.constant(secret),
    kept: fc.constantFrom(
      ...(secret.manager === 'aws' ? [secret.plain, secret.others[0] ?? ''] : [secret.plain]),
    ),
    dev: fc.array(globOf([secret.plain, ...secret.others]), { minLength: 1, maxLength: 3 }),
    default: fc.constantFrom(...defaults),
  }),
);

test('whom a rule keeps from a secret gets it in no other spelling, whatever other rules there are', () => {
  const seen = { kept: 0, shared: 0 };
  fc.assert(
    fc.property(aCase, ({ secret, kept, dev, default: byDefault }) => {
      const { manager, plain, others } = secret;
      const allows = allowing(manager, { owner: [kept], dev, default: byDefault });
      const isGiven = (text: string): boolean => {
        const [group = '', key] = text.split(' ');
        return allows('dev', group, key);
      };
      const isShared = isGiven(plain) || isGiven(kept);
      seen[isShared ? 'shared' : 'kept']++;
      for (const other of isShared ? [] : others) assert.equal(isGiven(other), false, other);
    }),
    propertyRuns,
  );
  assert.ok(Math.min(seen.kept, seen.shared) > propertyRuns.numRuns / 500, JSON.stringify(seen));
});

/** Whether a glob of a rule matches what a task writes, as `group key`, with the letters that Azure tells apart: none. */
function matches({ manager }: Spelled, glob: string, text: string): boolean {
  const written = (one: string): string => one.replace(' ', manager === 'vault' ? '/' : ':').toLowerCase();
  const own = manager === 'vault' && !glob.includes(' ') ? `${glob} *` : glob;
  const all = manager === 'aws' && !glob.includes(' ') ? `${glob} *` : own;
  return compileGlob(written(all))(written(text));
}

const aBroadCase = spelled.chain((secret) => {
  const spellings = [secret.plain, ...secret.others];
  return fc.record({
    secret: fc.constant(secret),
    owner: globOf(spellings).filter((glob) => matches(secret, glob, secret.plain)),
    // A rule that writes a spelling out is narrower than one with a wildcard, and gives it out.
    dev: fc.array(
      globOf(spellings).filter((glob) =>
        /[*?]/.test(secret.manager === 'vault' ? glob.split(' ', 1).join('') : glob),
      ),
      { minLength: 1, maxLength: 3 },
    ),
    default: fc.constantFrom(...defaults),
  });
});

test('whom a rule with wildcards refuses a secret under its plain name gets it in no other spelling that another rule matches', () => {
  const seen = { kept: 0, shared: 0 };
  fc.assert(
    fc.property(aBroadCase, ({ secret, owner, dev, default: byDefault }) => {
      const allows = allowing(secret.manager, { owner: [owner], dev, default: byDefault });
      const isGiven = (text: string): boolean => {
        const [group = '', key] = text.split(' ');
        return allows('dev', group, key);
      };
      const isShared = isGiven(secret.plain);
      seen[isShared ? 'shared' : 'kept']++;
      for (const other of isShared ? [] : secret.others) assert.equal(isGiven(other), false, other);
    }),
    propertyRuns,
  );
  assert.ok(Math.min(seen.kept, seen.shared) > propertyRuns.numRuns / 500, JSON.stringify(seen));
});

/** A spelling with a wildcard in one part of it; the whole of a `data` or of six characters it does not hide. */
const reserving = (secret: Spelled): fc.Arbitrary<string> =>
  fc
    .tuple(
      fc.constantFrom(secret.plain, ...secret.others),
      fc.nat(20),
      fc.nat(6),
      fc.nat(6),
      fc.constantFrom('*', '?', '??'),
    )
    .map(([text, part, from, length, wildcard]) => {
      const parts = text.split(/([/ :-])/);
      const at = 2 * (part % Math.ceil(parts.length / 2));
      const own = parts[at] ?? '';
      const start = Math.min(from, own.length);
      const changed = `${own.slice(0, start)}${wildcard}${own.slice(start + length)}`;
      const hidesData = own === 'data' && /^\*+$/.test(changed);
      return hidesData ? text : parts.with(at, changed).join('');
    })
    .filter((glob) => [secret.plain, ...secret.others].some((text) => matches(secret, glob, text)))
    // What ends in lower-case letters is taken for a word.
    .filter((glob) => secret.manager !== 'aws' || !/-[a-z*?]*[a-z][a-z*?]*$/.test(glob));
const aReservation = spelled.chain((secret) =>
  fc.record({ secret: fc.constant(secret), owner: reserving(secret) }),
);

test('what a rule reserves with a wildcard in any part of a name is given to nobody else in any spelling', () => {
  fc.assert(
    fc.property(aReservation, ({ secret, owner }) => {
      const allows = allowing(secret.manager, { owner: [owner] });
      for (const text of [secret.plain, ...secret.others]) {
        const [group = '', key] = text.split(' ');
        assert.equal(allows('dev', group, key), false, text);
      }
    }),
    propertyRuns,
  );
});
