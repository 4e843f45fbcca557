import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import { createAmbiguityLog } from './ambiguity-log.ts';

function logged(config: object, ...looks: string[][]): object[] {
  const lines: { level: number; global: string; readings: string[]; reservedBy?: string }[] = [];
  const log = pino({}, { write: (line) => lines.push(JSON.parse(line)) });
  const tell = createAmbiguityLog(latchkeyConfigSchema.parse(config), log);
  for (const names of looks) tell(names.map((name) => ({ name })));
  return lines.map(({ level, global, readings, reservedBy }) => ({
    level: pino.levels.labels[level],
    global,
    readings,
    ...(reservedBy === undefined ? {} : { reservedBy }),
  }));
}

const global = 'env:TEAM_A_TOKEN';
const readings = ['team/a_token', 'team_a/token'];

test('a variable that can be read as several secrets is named once, and again when it comes back', () => {
  const names = [global, 'env:TEAM_TOKEN', 'file:team_a/token_x', 'env:lower_a_b'];
  assert.deepEqual(logged({}, names, names), [{ level: 'info', global, readings }]);
  assert.equal(logged({}, names, [], names).length, 2);
});

test('where a rule keeps such a variable the line is a warning that names the rule', () => {
  const rules = [
    { name: 'team', groups: ['team'], namespaces: ['x'] },
    { name: 'team_a', groups: ['team_a'], namespaces: ['y'] },
  ];
  assert.deepEqual(logged({ policy: { rules } }, [global]), [
    { level: 'warn', global, readings, reservedBy: 'rule "team_a"' },
  ]);
});
