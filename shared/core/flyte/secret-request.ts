import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { quote } from '#shared/core/text/plain-text.ts';
import { decodeBase32, encodeBase32 } from './base32.ts';
import { formatSecretText, parseSecretText } from './secret-text.ts';

/** One secret that a task asks for: an annotation `flyte.secrets/s<number>`, decoded. Absent fields are empty. */
export interface SecretRequest {
  group: string;
  groupVersion: string;
  key: string;
  /** 0 ANY, 1 ENV_VAR, 2 FILE; other numbers decode but nobody serves them. */
  mountRequirement: number;
  envVar: string;
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Decodes the value of an annotation.
 * @param annotation its key, which the error names; the error never holds the content
 * @throws ANNOTATION_MALFORMED when it holds no request
 */
export function decodeAnnotation(annotation: string, value: string): SecretRequest {
  try {
    const secret = parseSecretText(decodeBase32(value));
    return {
      group: decodeField('group', secret.group),
      groupVersion: decodeField('group_version', secret.groupVersion),
      key: decodeField('key', secret.key),
      mountRequirement: secret.mountRequirement,
      envVar: decodeField('env_var', secret.envVar),
    };
  } catch (error) {
    if (!(error instanceof LatchkeyError)) throw error;
    throw new LatchkeyError('ANNOTATION_MALFORMED', `annotation ${quote(annotation)} ${error.message}`, {
      cause: error,
      fields: { annotation },
    });
  }
}

/** Of printable ASCII a binary text is the text itself. */
const beyondAscii = /[^ -~]/;

function decodeField(name: string, binary: string): string {
  if (!beyondAscii.test(binary)) return binary;
  try {
    return decoder.decode(Buffer.from(binary, 'latin1'));
  } catch (cause) {
    throw new LatchkeyError('ANNOTATION_MALFORMED', `holds invalid UTF-8 in ${name}`, { cause });
  }
}

/** Encodes a request as Flyte's propeller does. */
export function encodeAnnotation(request: SecretRequest): string {
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
  return encodeBase32(
    formatSecretText({
      group: bytes(request.group),
      groupVersion: bytes(request.groupVersion),
      key: bytes(request.key),
      mountRequirement: request.mountRequirement,
      envVar: bytes(request.envVar),
    }),
  );
}

/** How people read a request: `group/key` or `group@version/key`, of the parts that it has. It identifies the secret. */
export function secretTitle({
  group,
  groupVersion,
  key,
}: Pick<SecretRequest, 'group' | 'groupVersion' | 'key'>): string {
  return `${group}${groupVersion && '@'}${groupVersion}${key && '/'}${key}`;
}
