import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { parseGoInteger } from './go-integer.ts';
import { type TextToken, TextTokens } from './text-token.ts';

/** flyteidl `core.Secret`; an absent field is empty, an unknown mount requirement keeps its number. */
interface SecretMessage<Field> {
  group: Field;
  groupVersion: Field;
  key: Field;
  mountRequirement: number;
  envVar: Field;
}

const stringFields = new Map<string, Exclude<keyof SecretMessage<string>, 'mountRequirement'>>([
  ['group', 'group'],
  ['group_version', 'groupVersion'],
  ['key', 'key'],
  ['env_var', 'envVar'],
]);
/** Names of flyteidl's `core.Secret.MountType`, by their number. */
export const mountRequirementNames = ['ANY', 'ENV_VAR', 'FILE'];

function malformedSecret(what: string): LatchkeyError {
  return new LatchkeyError('ANNOTATION_MALFORMED', `is not a protobuf text core.Secret: ${what}`);
}

/**
 * Reads protobuf text with the answers of golang/protobuf v1.3.5 (proto/text_parser.go readStruct).
 * An extension or Any in brackets is always an error here: core.Secret has neither (Go panics on some of them).
 * @returns fields as binary texts: a character stands for a byte
 * @throws ANNOTATION_MALFORMED when it is none
 */
export function parseSecretText(bytes: Uint8Array): SecretMessage<string> {
  const secret = { group: '', groupVersion: '', key: '', mountRequirement: 0, envVar: '' };
  const seen: string[] = [];
  const tokens = new TextTokens(
    Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1'),
  );
  let token = tokens.next();
  while (token.kind !== 'end') {
    const name = token.kind === 'word' ? token.text : '';
    const field = stringFields.get(name);
    if (field === undefined && name !== 'mount_requirement') throw malformedSecret('unknown field');
    if (seen.includes(name)) throw malformedSecret(`field ${name} is repeated`);
    seen.push(name);
    if (!isSymbol(tokens.next(), ':')) throw malformedSecret(`a colon is missing after ${name}`);
    if (field === undefined) secret.mountRequirement = readMountRequirement(tokens.next());
    else secret[field] = readString(tokens.next(), name);
    token = tokens.next();
    if (isSymbol(token, ';') || isSymbol(token, ',')) token = tokens.next();
  }
  return secret;
}

function isSymbol(token: TextToken, text: string): boolean {
  return token.kind === 'symbol' && token.text === text;
}

function readString(token: TextToken, name: string): string {
  if (token.kind !== 'string') throw malformedSecret(`the value of ${name} is not a quoted string`);
  return token.text;
}

function readMountRequirement(token: TextToken): number {
  const text = token.kind === 'word' ? token.text : '';
  const byName = mountRequirementNames.indexOf(text);
  const value = byName >= 0 ? byName : parseGoInteger(text);
  if (value === undefined) throw malformedSecret('mount_requirement is none of ANY, ENV_VAR, FILE');
  return value;
}

/** Writes the text as Go's proto.MarshalTextString: one field a line, bytes outside printable ASCII as octal. */
export function formatSecretText(secret: SecretMessage<Uint8Array>): string {
  const quoted = (name: string, bytes: Uint8Array): string =>
    bytes.length === 0 ? '' : `${name}: "${Array.from(bytes, escapeByte).join('')}"\n`;
  const mount = mountRequirementNames[secret.mountRequirement] ?? String(secret.mountRequirement);
  return [
    quoted('group', secret.group),
    quoted('group_version', secret.groupVersion),
    quoted('key', secret.key),
    secret.mountRequirement === 0 ? '' : `mount_requirement: ${mount}\n`,
    quoted('env_var', secret.envVar),
  ].join('');
}

const namedEscapes = new Map([
  [0x0a, '\\n'],
  [0x0d, '\\r'],
  [0x09, '\\t'],
  [0x22, '\\"'],
  [0x5c, '\\\\'],
]);

function escapeByte(byte: number): string {
  const named = namedEscapes.get(byte);
  if (named !== undefined) return named;
  return byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, '0')}`;
}
