import { createHash } from 'node:crypto';

/** A planted value: `token` is the part of it that nothing else in the world contains. */
export interface Canary {
  /** Where it was planted. */
  name: string;
  token: string;
  value: string;
}

/** Something that must not hold a planted value. */
export interface Source {
  name: string;
  text: string;
}

/** What a value looks like: the encoding, and the text to look for. */
type Form = readonly [encoding: string, text: string];

/**
 * base64 of a text in which `bytes` begin at any of the three places inside a group of three, without the characters
 * that neighbours have a part in.
 */
function base64Forms(bytes: Buffer): string[] {
  return [0, 1, 2].map((offset) => {
    const encoded = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64');
    const first = Math.ceil((offset * 8) / 6);
    const last = Math.floor(((offset + bytes.length) * 8) / 6);
    return encoded.slice(first, last);
  });
}

const toUrlAlphabet = (base64: string): string => base64.replaceAll('+', '-').replaceAll('/', '_');

function hashForms(value: string): Form[] {
  return ['sha256', 'sha1', 'md5', 'sha512'].flatMap((algorithm) => {
    const digest = createHash(algorithm).update(value).digest();
    const base64 = digest.toString('base64').replace(/=+$/, '');
    return [
      [algorithm, digest.toString('hex')],
      [`${algorithm} in base64`, base64],
      [`${algorithm} in base64url`, toUrlAlphabet(base64)],
    ] satisfies Form[];
  });
}

/** Every form in which a canary is looked for. Plain text is also JSON's, and URL encoding leaves the token as it is. */
function formsOf({ token, value }: Canary): Form[] {
  const bytes = Buffer.from(token);
  const hex = bytes.toString('hex');
  const base64 = base64Forms(bytes);
  return [
    ['plain text', token],
    ['hex', hex],
    ['URL encoding of every byte', hex.replaceAll(/../g, '%$&')],
    ['a list of bytes', [...bytes].join(',')],
    ['a list of bytes with spaces', [...bytes].join(', ')],
    ...base64.map((form): Form => ['base64', form]),
    ...base64.map((form): Form => ['base64url', toUrlAlphabet(form)]),
    ...base64
      .flatMap((form) => base64Forms(Buffer.from(form)))
      .map((form): Form => ['base64 of base64', form]),
    ...hashForms(value),
  ];
}

/** Where a canary was found, one line each; letters count alike in upper and lower case. */
export function findCanaries(canaries: readonly Canary[], sources: readonly Source[]): string[] {
  const wanted = canaries.flatMap((canary) =>
    formsOf(canary).map(([encoding, text]) => ({
      canary: canary.name,
      encoding,
      needle: text.toLowerCase(),
    })),
  );
  return sources.flatMap(({ name, text }) => {
    const haystack = text.toLowerCase();
    return wanted
      .filter(({ needle }) => haystack.includes(needle))
      .map(({ canary, encoding }) => `${canary} as ${encoding} in ${name}`);
  });
}
