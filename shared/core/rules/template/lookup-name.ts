import { type ParsedRecipe, requestFields } from '#shared/contracts/rules/rule-recipe.ts';
import { mayHold } from './field-format.ts';
import { compileTemplate, parseTemplate, type Template, type TemplatePart } from './template.ts';

/** A group and a key, of a request or the globs of a rule. */
export interface Asked {
  group: string;
  key: string;
  /** Whether it is every key of the group: then `key`, and where it stands in a name, is `*`. */
  everyKey?: true;
}

/** Makes the names under which a manager looks secrets up, and reads such names. */
export interface LookupName {
  render: Template;
  /** As the name tells it: letters folded, characters trimmed; undefined where it tells nothing of it at all. */
  fold: Record<'group' | 'key', ((text: string) => string) | undefined>;
  /** Every group and key that come to this name, folded, as far as the search goes; where `isBorderless`, several may. */
  readings(name: string, search: ReadingSearch): Iterable<Asked>;
  /** Whether different groups and keys can come to one name: `team_a`/`token` and `team`/`a_token`. */
  isBorderless: boolean;
}

/**
 * What a search for readings may still look at. It ends where nothing is left, `charactersLeft` below 0: a name can be
 * split in a thousand ways, and where three fields stand side by side in millions.
 */
export interface ReadingSearch {
  charactersLeft: number;
}

type Fields = ParsedRecipe['fields'];
type Piece = Exclude<TemplatePart, string>;

/** The variables from which a field can be told. */
const telling = { group: ['group', 'versionedGroup', 'id'], key: ['key', 'id'] };

/**
 * @param recipe whose name it is: one with a spelling takes group and key as one name, without a border
 * @throws RECIPE_INVALID when the template is wrong
 */
export function compileLookupName(
  text: string,
  { spelling, fields }: Pick<ParsedRecipe, 'spelling' | 'fields'>,
  where: string,
): LookupName {
  const parts = parseTemplate(text, where);
  const pieces = parts.filter((part) => typeof part !== 'string');
  const foldOf = (field: 'group' | 'key'): LookupName['fold']['group'] => {
    const piece = pieces.find(({ variable }) => variable === field);
    const isTold = pieces.some(({ variable }) => telling[field].includes(variable));
    return piece?.filter ?? (isTold ? (asked) => asked : undefined);
  };
  return {
    render: compileTemplate(text, where),
    fold: { group: foldOf('group'), key: foldOf('key') },
    *readings(name, search) {
      const template = { parts, fields, search };
      for (const { group = '', key = '' } of split(template, 0, name)) yield { group, key };
    },
    isBorderless: spelling === undefined && losesBorder(parts, fields),
  };
}

interface SearchedTemplate {
  parts: readonly TemplatePart[];
  fields: Fields;
  search: ReadingSearch;
}

/** All ways to take a name apart into what the template put together, from this part on. */
function* split(template: SearchedTemplate, at: number, text: string): Generator<Record<string, string>> {
  const { parts, fields, search } = template;
  const part = parts[at];
  if (part === undefined) {
    if (text === '') yield {};
  } else if (typeof part === 'string') {
    search.charactersLeft -= 1 + Math.min(part.length, text.length);
    if (text.startsWith(part)) yield* split(template, at + 1, text.slice(part.length));
  } else {
    for (const end of ends(text, parts[at + 1], search)) {
      const value = text.slice(0, end);
      if (!canBe(part, value, fields)) continue;
      for (const found of split(template, at + 1, text.slice(end)))
        yield { ...found, [part.variable]: value };
    }
  }
}

/** Yields where the value before this part may end. */
function* ends(text: string, next: TemplatePart | undefined, search: ReadingSearch): Generator<number> {
  for (let end = next === undefined ? text.length : 0; end <= text.length; end++) {
    const isEnd = typeof next !== 'string' || text.startsWith(next, end);
    // The value is looked at from its beginning.
    search.charactersLeft -= isEnd ? 1 + end : 1;
    if (search.charactersLeft < 0) return;
    if (isEnd) yield end;
  }
}

/** Whether a request's field could have come out as this. */
function canBe(piece: Piece, value: string, fields: Fields): boolean {
  if (value === '') return !fieldRule(piece.variable, fields)?.required;
  return piece.filter(value) === value && [...value].every((character) => canHold(piece, character, fields));
}

function fieldRule(variable: string, fields: Fields): Fields[keyof Fields] {
  const field = requestFields.find((name) => name === variable);
  return field === undefined ? undefined : fields[field];
}

/**
 * Whether two neighbours cannot be told apart for certain. The text between them does that when it has a character that
 * the one before all of it, or the one behind all of it, cannot hold: there is a first, or a last, of its kind. What
 * stands in names everywhere tells nothing, though this manager's may lack it: whoever gave the secret its name may have
 * meant another border, and so may a rule.
 */
function losesBorder(parts: readonly TemplatePart[], fields: Fields): boolean {
  if (parts.some((part) => typeof part !== 'string' && part.variable === 'versionedGroup')) return true;
  const places = parts.flatMap((part, place) => (typeof part === 'string' ? [] : [{ place, piece: part }]));
  let [first, last] = [0, places.length - 1];
  const between = (left: number): string =>
    parts
      .slice((places[left]?.place ?? 0) + 1, places[left + 1]?.place)
      .filter((part) => typeof part === 'string')
      .join('');
  const lacks = (index: number, border: string): boolean =>
    [...border].some((character) => !canHold(places[index]?.piece, character, fields));
  while (first < last) {
    if (lacks(first, between(first))) first++;
    else if (lacks(last, between(last - 1))) last--;
    else return true;
  }
  return false;
}

function canHold(piece: Piece | undefined, character: string, fields: Fields): boolean {
  if (piece === undefined) return false;
  if (piece.variable === 'id') return /[0-9a-f]/.test(character);
  if (piece.variable === 'namespace') return /[-a-z0-9]/.test(character);
  return /[-._A-Za-z0-9]/.test(character) || mayHold(fieldRule(piece.variable, fields), character);
}
