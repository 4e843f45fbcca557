/** What a `.creds` file holds: who its user is, and the seed that proves it. */
export interface CredsFile {
  jwt: string;
  seed: string;
}

/** `-----BEGIN NATS USER JWT-----`, `------END NATS USER JWT------`: dashes before and behind. */
const isBorder = (line: string): boolean =>
  line.length >= 6 && line.startsWith('---') && line.endsWith('---');

/**
 * Reads the two blocks of a `.creds` file, line by line: nats-core's own reader is a regular expression whose time grows
 * with the fourth power of a line of dashes, and it runs at every connection attempt.
 * @throws when there are no two blocks of one line; the message has nothing of the file
 */
export function parseCredsFile(text: string): CredsFile {
  const lines = text.split('\n').map((line) => line.trim());
  const content: string[] = [];
  for (let at = 0; at < lines.length && content.length < 2; at++) {
    const [border = '', line = ''] = [lines[at], lines[at + 1]];
    if (!isBorder(border) || line === '' || isBorder(line)) continue;
    const end = nextFilled(lines, at + 2);
    if (!isBorder(lines[end] ?? '')) continue;
    content.push(line);
    at = end;
  }
  const [jwt, seed] = content;
  if (jwt === undefined || seed === undefined) {
    throw new Error(
      'expected a block with a JWT and one with a seed, each of one line between lines of dashes',
    );
  }
  return { jwt, seed };
}

/** Finds the next line that is not empty. */
function nextFilled(lines: readonly string[], from: number): number {
  let at = from;
  while (lines[at] === '') at++;
  return at;
}
