import { readFile } from 'node:fs/promises';

const configurationFile = `${import.meta.dirname}/../../deploy/nats/nats.conf`;

/** What a user of deploy/nats/nats.conf may do, as subjects with NATS wildcards. */
export interface UserLists {
  publish: readonly string[];
  subscribe: readonly string[];
}

/** The lists of every user. Throws when a user has none: it might then do everything. */
export async function readUserLists(): Promise<Map<string, UserLists>> {
  const text = (await readFile(configurationFile, 'utf8')).replaceAll(/^\s*#.*$/gm, '');
  const blocks = text.split(/(?=\buser:)/).slice(1);
  return new Map(
    blocks.map((block) => {
      const user = /^user:\s*([\w-]+)/.exec(block)?.[1] ?? '';
      return [
        user,
        { publish: readList(block, 'publish', user), subscribe: readList(block, 'subscribe', user) },
      ];
    }),
  );
}

function readList(block: string, operation: string, user: string): string[] {
  const list = new RegExp(`\\b${operation}:\\s*\\{\\s*allow:\\s*\\[([^\\]]*)\\]\\s*\\}`).exec(block)?.[1];
  if (list === undefined) throw new Error(`nats.conf gives ${user} no allow-list to ${operation}`);
  return [...list.matchAll(/"([^"]+)"/g)].map(([, subject = '']) => subject);
}

/** Whether every subject that `subject` stands for is one that `pattern` stands for. */
export function isWithin(subject: string, pattern: string): boolean {
  const tokens = subject.split('.');
  const wanted = pattern.split('.');
  for (const [index, token] of wanted.entries()) {
    const own = tokens[index];
    if (own === undefined) return false;
    if (token === '>') return true;
    if (own === '>' || (token !== '*' && token !== own)) return false;
  }
  return tokens.length === wanted.length;
}

export const isAllowed = (subject: string, list: readonly string[]): boolean =>
  list.some((pattern) => isWithin(subject, pattern));
