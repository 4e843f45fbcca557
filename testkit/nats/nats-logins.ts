/** What one login of deploy/nats/nats.conf may do. */
export interface NatsLogin {
  user: string;
  publish: readonly string[];
  subscribe: readonly string[];
}

const subjects = (text: string, verb: string): string[] => {
  const [, list = ''] = new RegExp(`${verb}: \\{ allow: \\[([^\\]]*)\\]`).exec(text) ?? [];
  return Array.from(list.matchAll(/"([^"]+)"/g), ([, subject = '']) => subject);
};

/** Reads the logins of nats.conf. */
export function natsLogins(configuration: string): NatsLogin[] {
  const [, ...users] = configuration.split(/^\s*user: /m);
  return users.map((text) => ({
    user: /^[\w-]+/.exec(text)?.[0] ?? '',
    publish: subjects(text, 'publish'),
    subscribe: subjects(text, 'subscribe'),
  }));
}

/** Says whether a list of subjects with wildcards has a subject without. */
export const mayUse = (allowed: readonly string[], subject: string): boolean =>
  allowed.some((pattern) => {
    const tokens = pattern.split('.');
    const given = subject.split('.');
    const isOpen = tokens.at(-1) === '>';
    if (isOpen ? given.length < tokens.length : given.length !== tokens.length) return false;
    return tokens.every((token, index) => token === '>' || token === '*' || token === given[index]);
  });
