import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ListCollector } from './list-collector.ts';
import type { ListedSecret } from './providers/provider.ts';

const mostBytes = 100_000;
const place = 'secret/data/';
const named = (path: string): ListedSecret => ({ secret: `${place}${path}`, keys: [] });
const many = (folder: string, count: number): ListedSecret[] =>
  Array.from({ length: count }, (_, index) => named(`${folder}${index}`));

function collect(
  secrets: readonly ListedSecret[],
  former?: readonly ListedSecret[],
  within = place,
  gone: readonly ListedSecret[] = [],
): ListCollector {
  const collector = new ListCollector({
    signal: new AbortController().signal,
    source: 'vault',
    former: former && new Map(former.map((found) => [found.secret, found])),
    mostBytes,
    gone: gone.map(({ secret }) => secret),
  });
  collector.enter(within);
  for (const found of secrets) collector.take(found);
  return collector;
}

const namesOf = (collector: ListCollector): string[] => [...collector.collected().listed.keys()].sort();
const all = (secrets: readonly ListedSecret[]): string[] => secrets.map(({ secret }) => secret).sort();

test("a tenant's folder with more names than there is room for stays as it was, and nobody else's does", () => {
  const [before, others] = [many('hers/', 3), [named('a'), named('z'), ...many('his/', 20)]];
  const collector = collect(
    [...many('hers/deep/', 1_000), ...others],
    [...before, named('a'), named('gone')],
  );
  assert.deepEqual(namesOf(collector), all([...others]));
  const shallow = collect([...many('hers/', 1_000), ...others], [...before, named('a'), named('gone')]);
  assert.deepEqual(namesOf(shallow), all([...before, ...others]));
  const { count, names } = shallow.collected().leftOut;
  assert.equal(count, 1);
  assert.match(names[0] ?? '', /^secret\/data\/hers\/: what it had in the list before stays: .*managerMiB/);
  assert.equal(shallow.wants('secret/data/hers/more/'), false);
  assert.equal(shallow.wants('secret/data/his/'), true);
});

test('the list of many tenants that is too large together ends with an error that says where and what to do', () => {
  const tenants = Array.from({ length: 100 }, (_, tenant) => many(`team-${tenant}/`, 10)).flat();
  assert.throws(() => collect(tenants, [named('a')]), {
    code: 'SET_TOO_LARGE',
    message:
      /list of vault .*in force stays: it had come to "secret\/data\/team-\d+\/\d" with \d+ secrets.*managerMiB/,
  });
});

test('a first list that is too large ends with an error: there is nothing that could stay as it was', () => {
  assert.throws(() => collect(many('hers/', 1_000)), {
    code: 'SET_TOO_LARGE',
    message: /"secret\/data\/hers\/"/,
  });
});

test('a mount without folders is nobody’s excess: its list ends, and what is in force grows stale', () => {
  assert.throws(() => collect(many('', 1_000), [named('a')]), { code: 'SET_TOO_LARGE' });
});

test('names that come again and again cost once, and names too long for the bus are left out and named', () => {
  const again = Array.from({ length: 1_000 }, () => named('a'));
  const collector = collect([
    ...again,
    named('x'.repeat(4_000)),
    named('é'.repeat(600)),
    named('y'.repeat(1_000)),
  ]);
  assert.equal(namesOf(collector).length, 2);
  assert.equal(collector.collected().leftOut.count, 2);
  assert.ok(collector.collected().leftOut.names.every((told) => told.length < 600));
});

test('folders without a name in them have a bound, too', () => {
  const collector = collect([named('a')], [named('a'), named('hers/a')]);
  for (let folder = 0; folder < 1_000 && collector.wants(`${place}hers/${folder}/`); folder++)
    collector.charge(`${place}hers/${folder}/`);
  assert.deepEqual(namesOf(collector), all([named('a'), named('hers/a')]));
  const first = collect([]);
  assert.throws(
    () => {
      for (let folder = 0; folder < 1_000; folder++) first.charge(`${place}${folder}/`);
    },
    { code: 'SET_TOO_LARGE' },
  );
});

test('what is left out is counted, and only the first of it is kept', () => {
  const collector = collect([named('a')]);
  for (let number = 0; number < 10_000; number++) collector.leaveOut(`${number}`.repeat(10_000), 'no');
  const { count, names } = collector.collected().leftOut;
  assert.equal(count, 10_000);
  assert.ok(JSON.stringify(names).length < 3_000);
});

test("in AWS a tenant's folder is the part of a name up to a slash", () => {
  const arn = (name: string): ListedSecret => ({
    secret: `arn:aws:secretsmanager:eu-west-1:123456789012:secret:${name}-AbCdEf`,
    keys: [],
  });
  const hers = Array.from({ length: 500 }, (_, index) => arn(`hers/${index}`));
  const collector = collect([...hers, arn('db'), arn('his/db')], [arn('hers/0')], 'arn:');
  assert.deepEqual(namesOf(collector), all([arn('hers/0'), arn('db'), arn('his/db')]));
});

test('input 75: a folder whose names come and go stays as it was while the bucket holds the tombstones of those that went', () => {
  const [went, before, now] = ['1-', '2-', '3-'].map((round) => many(`hers/${round}`, 200)) as [
    ListedSecret[],
    ListedSecret[],
    ListedSecret[],
  ];
  const others = many('his/', 5);
  const held = collect([...now, named('a')], [...before, ...others], place, went);
  held.holdBackGone();
  assert.deepEqual(namesOf(held), all([...before, named('a')]));
  assert.match(held.collected().leftOut.names[0] ?? '', /^secret\/data\/hers\/: .*more names went/);
});

test('input 75: all names of a list may be others at once, where none went lately', () => {
  const collector = collect(many('hers/2-', 200), many('hers/1-', 200));
  collector.holdBackGone();
  assert.deepEqual(namesOf(collector), all(many('hers/2-', 200)));
});

test('input 75: of names without a folder that come and go no list is taken for a while', () => {
  const collector = collect(many('3-', 200), many('2-', 200), place, many('1-', 200));
  assert.throws(() => collector.holdBackGone(), { code: 'SET_TOO_LARGE', message: /names come and go/ });
});
