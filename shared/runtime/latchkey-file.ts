import { readFile } from 'node:fs/promises';
import { parse, YAMLParseError } from 'yaml';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { type LatchkeyConfig, latchkeyConfigSchema } from '#shared/contracts/latchkey-config.ts';
import { describeIssues } from './config-issue.ts';

/**
 * Parses the text of latchkey.yaml; an empty file gives the defaults.
 * @throws LatchkeyError CONFIG_INVALID that names every wrong field at once, or the line that is not YAML.
 */
export function parseLatchkeyConfig(text: string, source: string): LatchkeyConfig {
  const parsed = latchkeyConfigSchema.safeParse(parseYaml(text, source) ?? {});
  if (parsed.success) return parsed.data;
  throw new LatchkeyError('CONFIG_INVALID', describeIssues(source, parsed.error.issues));
}

function parseYaml(text: string, source: string): unknown {
  try {
    return parse(text);
  } catch (cause) {
    const line = cause instanceof YAMLParseError ? ` (line ${cause.linePos?.[0].line ?? '?'})` : '';
    throw new LatchkeyError('CONFIG_INVALID', `${source} is not YAML${line}: correct its syntax.`, { cause });
  }
}

/**
 * Reads and parses latchkey.yaml.
 * @throws LatchkeyError CONFIG_INVALID when it cannot be read or is wrong.
 */
export async function loadLatchkeyFile(path: string): Promise<LatchkeyConfig> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new LatchkeyError(
      'CONFIG_INVALID',
      `latchkey.yaml was looked for at ${path} and cannot be read: mount it there or set LATCHKEY_CONFIG.`,
      { cause },
    );
  });
  return parseLatchkeyConfig(text, path);
}
