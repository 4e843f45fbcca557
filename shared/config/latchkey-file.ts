import { readFile } from 'node:fs/promises';
import type { Logger } from 'pino';
import { type LatchkeyConfig, latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { checkShape } from '#shared/contracts/shapes/check-shape.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import { followParsedFile } from '#shared/runtime/parsed-file.ts';
import { describeYamlFault, readYaml } from '#shared/runtime/yaml-text.ts';
import { describeConfigIssues, describeProblems } from './config-issue.ts';
import { inlineProblems } from './inline-problems.ts';

/** What a process finds wrong in a configuration of the right shape: sentences that begin with the field. */
export type ConfigCheck = (config: LatchkeyConfig) => string[];

/**
 * Parses the text of latchkey.yaml as the services take it; an empty file gives the defaults.
 * @param check what else this process refuses; a gateway accepts a chain with managers that it does not know
 * @throws CONFIG_INVALID when it is wrong, with every wrong field at once, or the line where it is not YAML or more than is read
 */
export function parseLatchkeyConfig(text: string, source: string, check: ConfigCheck): LatchkeyConfig {
  const parsed = checkShape(latchkeyConfigSchema, parseYaml(text, source) ?? {});
  if (!parsed.success)
    throw new LatchkeyError('CONFIG_INVALID', describeConfigIssues(source, parsed.error.issues));
  const problems = [...check(parsed.data), ...inlineProblems(parsed.data)];
  if (problems.length === 0) return parsed.data;
  throw new LatchkeyError('CONFIG_INVALID', describeProblems(source, problems));
}

/** The part that says what exists and how it is injected, without that about webhook, certificate and buckets. */
export function rulesConcern({ webhook: _webhook, tls: _tls, bus: _bus, ...rules }: LatchkeyConfig): object {
  return rules;
}

function parseYaml(text: string, source: string): unknown {
  const read = readYaml(text);
  if (!('faults' in read)) return read.value;
  const [why] = read.faults.map(describeYamlFault);
  throw new LatchkeyError('CONFIG_INVALID', `${source} cannot be read: ${why}`);
}

/**
 * Reads and parses latchkey.yaml.
 * @throws CONFIG_INVALID when it cannot be read or is wrong
 */
export async function loadLatchkeyFile(path: string, check: ConfigCheck): Promise<LatchkeyConfig> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new LatchkeyError(
      'CONFIG_INVALID',
      `latchkey.yaml was looked for at ${path} and cannot be read: mount it there or set LATCHKEY_CONFIG.`,
      { cause },
    );
  });
  return parseLatchkeyConfig(text, path, check);
}

/**
 * Follows latchkey.yaml after it was loaded as `current`. A changed file that is wrong keeps the configuration in force
 * and says so; one that means the same changes nothing.
 * @returns a function that stops the watch.
 */
export function watchLatchkeyFile(options: {
  path: string;
  current: LatchkeyConfig;
  check: ConfigCheck;
  clock: Clock;
  log: Logger;
  onConfig: (config: LatchkeyConfig) => void;
}): () => void {
  const { path, current, check, clock, log } = options;
  return followParsedFile({
    path,
    current,
    parse: (text) => (text === undefined ? undefined : parseLatchkeyConfig(text, path, check)),
    messages: {
      changed: 'configuration changed',
      refused: 'configuration not usable, the one in force stays',
    },
    clock,
    log,
    onChange: options.onConfig,
  });
}
