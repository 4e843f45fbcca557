import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { parseGoInteger } from './go-integer.ts';
import { type TextToken, tokenize } from './text-token.ts';

/** flyteidl `core.Secret` as bytes; an absent field is empty, an unknown mount requirement keeps its number. */
interface SecretMessage {
  group: Uint8Array;
  groupVersion: Uint8Array;
  key: Uint8Array;
  mountRequirement: number;
  envVar: Uint8Array;
}

const stringFields = new Map<string, Exclude<keyof SecretMessage, 'mountRequirement'>>([
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
 * @throws ANNOTATION_MALFORMED when it is none
 */
export function parseSecretText(text: Uint8Array): SecretMessage {
  const none = new Uint8Array();
  const secret: SecretMessage = {
    group: none,
    groupVersion: none,
    key: none,
    mountRequirement: 0,
    envVar: none,
  };
  const seen = new Set<string>();
  const tokens = tokenize(text);
  const next = (): TextToken => tokens.next().value ?? { kind: 'end' };
  let token = next();
  while (token.kind !== 'end') {
    const name = token.kind === 'word' ? token.text : '';
    const field = stringFields.get(name);
    if (field === undefined && name !== 'mount_requirement') throw malformedSecret('unknown field');
    if (seen.has(name)) throw malformedSecret(`field ${name} is repeated`);
    seen.add(name);
    if (!isSymbol(next(), ':')) throw malformedSecret(`a colon is missing after ${name}`);
    if (field === undefined) secret.mountRequirement = readMountRequirement(next());
    else secret[field] = readString(next(), name);
    token = next();
    if (isSymbol(token, ';') || isSymbol(token, ',')) token = next();
  }
  return secret;
}

function isSymbol(token: TextToken, text: string): boolean {
  return token.kind === 'symbol' && token.text === text;
}

function readString(token: TextToken, name: string): Uint8Array {
  if (token.kind !== 'string') throw malformedSecret(`the value of ${name} is not a quoted string`);
  return token.bytes;
}

function readMountRequirement(token: TextToken): number {
  const text = token.kind === 'word' ? token.text : '';
  const byName = mountRequirementNames.indexOf(text);
  const value = byName >= 0 ? byName : parseGoInteger(text);
  if (value === undefined) throw malformedSecret('mount_requirement is none of ANY, ENV_VAR, FILE');
  return value;
}

/** Writes the text as Go's proto.MarshalTextString: one field a line, bytes outside printable ASCII as octal. */
export function formatSecretText(secret: SecretMessage): string {
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
