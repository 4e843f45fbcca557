const begin = (name: string): string => `<!-- ${name}: written by npm run pages -->`;
const end = (name: string): string => `<!-- ${name} ends -->`;

/** Replaces what stands between the two markers of a part. Throws when the page lacks one. */
export function replacePagePart(page: string, name: string, text: string): string {
  const [start, stop] = [page.indexOf(begin(name)), page.indexOf(end(name))];
  if (start < 0 || stop < start) throw new Error(`the page has no part "${name}"`);
  return `${page.slice(0, start)}${begin(name)}\n\n${text}\n\n${page.slice(stop)}`;
}

/** Makes a link of every page in docs/ that a description names. */
export const linkPages = (text: string): string => text.replaceAll(/docs\/([a-z-]+\.md)/g, '[$1]($1)');
