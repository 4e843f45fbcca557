/**
 * One token of a NATS KV key. Bytes outside `[-A-Za-z0-9_]` become `=XX` (upper-case hex of the UTF-8 byte), `=` included,
 * so that any Kubernetes or provider name is a legal token and `nats kv ls` stays readable.
 */
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/** A name that is its own token, as nearly all of Kubernetes are: looking at each byte would take ten times as long. */
const plainName = /^[-A-Za-z0-9_]*$/;

/** Escapes a name for use as one key token. The empty string has no token and is the caller's mistake. */
export function escapeKeyToken(name: string): string {
  if (plainName.test(name)) return name;
  let token = '';
  for (const byte of encoder.encode(name)) {
    const char = String.fromCharCode(byte);
    token += /[-A-Za-z0-9_]/.test(char) ? char : `=${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return token;
}

/** Reverses {@link escapeKeyToken}; undefined when the token was not made by it. */
export function unescapeKeyToken(token: string): string | undefined {
  if (!/^(?:[-A-Za-z0-9_]|=[0-9A-F]{2})+$/.test(token)) return undefined;
  if (!token.includes('=')) return token;
  const bytes = token
    .match(/=[0-9A-F]{2}|./g)
    ?.map((part) => (part.startsWith('=') ? Number.parseInt(part.slice(1), 16) : part.charCodeAt(0)));
  try {
    return decoder.decode(Uint8Array.from(bytes ?? []));
  } catch {
    return undefined;
  }
}

/** Counts the characters of a name's token without making it. */
export function keyTokenLength(name: string): number {
  if (plainName.test(name)) return name.length;
  const plain = name.length - name.replaceAll(/[-A-Za-z0-9_]/g, '').length;
  return plain + (Buffer.byteLength(name) - plain) * '=XX'.length;
}
