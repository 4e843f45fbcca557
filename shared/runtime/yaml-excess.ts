import { CST } from 'yaml';
import { deepestJson } from '#shared/core/text/json-excess.ts';

/** What a text has too much of, and the character where it is too much. */
interface YamlExcess {
  offset: number;
  message: string;
}

const nesting: Readonly<Record<string, number>> = {
  'flow-seq-start': 1,
  'flow-map-start': 1,
  'flow-seq-end': -1,
  'flow-map-end': -1,
};
/** Each begins a list or a map inside the one before it on its line. */
const blockStarts: readonly (string | null)[] = ['seq-item-ind', 'explicit-key-ind'];

/** Tokens that the lexer adds for the parser; the text does not have them. */
const marks: readonly (string | null)[] = ['doc-mode', 'flow-error-end', 'scalar'];

/**
 * Finds what a text has too much of for the parser, which takes a microsecond and 300 bytes for each token, and the call
 * stack for each level. It stops there: the tokens behind are not even looked for.
 */
export function findYamlExcess(tokens: Iterable<string>, mostTokens: number): YamlExcess | undefined {
  const isTooDeep = createDepthCheck();
  let [count, offset] = [0, 0];
  let isText = false;
  for (const token of tokens) {
    count++;
    if (count > mostTokens) {
      return { offset, message: `it has more than ${mostTokens} tokens: words, signs and line ends` };
    }
    // Behind the lexer's mark of a scalar stands what the scalar says.
    const type: string | null = isText ? null : CST.tokenType(token);
    isText = type === 'scalar';
    if (isTooDeep(type)) return { offset, message: 'it is nested too deep' };
    if (!marks.includes(type)) offset += token.length;
  }
  return undefined;
}

function createDepthCheck(): (type: string | null) => boolean {
  let [inBrackets, startsOfLine] = [0, 0];
  return (type) => {
    inBrackets = Math.max(0, inBrackets + (nesting[type ?? ''] ?? 0));
    if (type === 'newline') startsOfLine = 0;
    else if (inBrackets === 0 && blockStarts.includes(type)) startsOfLine++;
    return Math.max(inBrackets, startsOfLine) > deepestJson;
  };
}
