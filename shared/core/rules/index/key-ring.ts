import { LatchkeyError } from '#shared/contracts/error-registry.ts';

/** Keys that values on the bus are sealed under. */
export interface KeyRing {
  /** Key id -> 32 bytes. */
  keys: ReadonlyMap<string, Uint8Array>;
  /** The key that seals; undefined when none can: there is no key, or several and none of them is named as current. */
  sealingKid: string | undefined;
}

export const emptyKeyRing: KeyRing = { keys: new Map(), sealingKid: undefined };

const keyBytes = 32;
/** The file that names the sealing key. All other files are keys, named by their id. */
const currentFile = 'current';

/**
 * Reads a key ring from the files of its folder: one per key, named by the key's id, with 32 bytes or their base64,
 * and `current` with the id of the key that seals. With one key `current` may be left out. It is explicit and not the
 * newest key, because a key must have reached every gateway before anything is sealed under it.
 * @param files file name -> content
 * @throws CONFIG_INVALID when a file holds no key, with its name and never its content
 */
export function parseKeyRing(files: ReadonlyMap<string, Uint8Array>): KeyRing {
  const keys = new Map<string, Uint8Array>();
  for (const [kid, content] of files) if (kid !== currentFile) keys.set(kid, parseKey(kid, content));
  const current = files.get(currentFile);
  const [only, ...others] = keys.keys();
  if (current === undefined) return { keys, sealingKid: others.length === 0 ? only : undefined };
  const named = Buffer.from(current).toString('utf8').trim();
  return { keys, sealingKid: keys.has(named) ? named : undefined };
}

function parseKey(kid: string, content: Uint8Array): Uint8Array {
  if (content.length === keyBytes) return content;
  const text = Buffer.from(content).toString('utf8').trim();
  const decoded = /^[A-Za-z0-9+/]+={0,2}$/.test(text) ? Buffer.from(text, 'base64') : undefined;
  if (decoded?.length === keyBytes) return decoded;
  throw new LatchkeyError(
    'CONFIG_INVALID',
    `The key "${kid}" of the key ring is neither ${keyBytes} bytes nor their base64: make one with deploy/key-ring/generate-key.ts.`,
    { fields: { kid } },
  );
}
