import type { SpellingName } from '#shared/contracts/rules/rule-recipe.ts';
import type { WorkBudget } from '#shared/core/bounds/work-budget.ts';
import { globsWithoutData, globsWithoutSix } from './globs-without-data.ts';
import { meetsUri, type OpenUri, openUris } from './open-uris.ts';

type Rename = (name: string) => string;

/** How to write the glob of a rule, and how a name, before they are compared. */
interface Comparison {
  ofGlob: Rename;
  ofName: Rename;
}

/**
 * What a manager's own names can be written like; it takes group and key as one name, wherever that is split. By
 * `perhaps` names are compared that may be the same secret: a rule forbids by it. By `surely` a rule gives out, first by
 * the name as it is written; but where the key stands `keyApart` behind the last slash, it must be one that the rule
 * names.
 */
export interface Spelling {
  perhaps: readonly Comparison[];
  surely: readonly [Comparison, ...Comparison[]];
  keyApart?: true;
  /** What else a rule forbids, as its wildcards may stand for some of what another spelling adds. */
  further?: { ofGlob(glob: string): string[]; ofName: Rename };
  /** The same where wildcards may stand for so much that names cannot be written alike. */
  open?: {
    ofGlob(glob: string): OpenUri[];
    meeting(name: string, budget?: WorkBudget): (open: OpenUri) => boolean;
  };
  /** How a rule about a name may have written it, the plainest first. */
  plainly: readonly Rename[];
  /** Whether a rule is written plainly. */
  isPlain(glob: string): boolean;
  /** Whether a rule says that it means no other spelling, though it looks like one. */
  isWord?(glob: string): boolean;
}

const asItIs: Rename = (name) => name;

/** What AWS puts behind the name in an ARN, six random characters, and without which it finds the secret, too. */
const withoutSix: Rename = (name) => name.replace(/-[A-Za-z0-9]{6}$/, '');
/** The same of a rule, where it is no word: a rule about `db-writer` is not about `db`. */
const withoutRandomSix: Rename = (name) => name.replace(/-(?=[a-z]*[A-Z0-9])[A-Za-z0-9]{6}$/, '');

/** No request has a slash in front; a rule that was written with one shall not be about nothing. */
const withoutSlash: Rename = (path) => path.replace(/^\/+/, '');

/** Of `mount/data/path` without `data`, where that is the second segment and the mount is written out. */
const withoutData: Rename = (path) => path.replace(/^([^/*?]+)\/data\/(?=[^/]+\/)/, '$1/');

/** Hosts and names are case-insensitive, and a host may end in the dot of the root. */
const plainUri: Rename = (uri) => uri.toLowerCase().replace(/^(https:\/\/[^/]*?)\.?(\/|$)/, '$1$2');

/** Behind the name stands a version. */
const withoutVersion: Rename = (uri) => uri.replace(/^(https:\/\/[^/]+\/[^/]+\/[^/]+)\/.*$/, '$1');

const plainVersion: Rename = (uri) => withoutVersion(plainUri(uri));

/** A vault keeps what a certificate hides as a secret, and a client may look at the name alone, whatever kind it has. */
const asSecret: Rename = (uri) => uri.replace(/^(https:\/\/[^/]+\/)[^/]+\/(?=[^/])/, '$1secrets/');

/** A vault has several hosts, all of which begin with its name. */
const vaultOnly: Rename = (uri) => uri.replace(/^(https:\/\/[^/.]*)[^/]*/, '$1');

/** Vault's mounts may have several segments. */
const withoutAnyData: Rename = (path) => withoutSlash(path).replaceAll(/\/data(?=\/)/g, '');

/** As Azure writes it in each of its clouds: `<vault>.vault.<cloud>`. */
const secretUri = /^https:\/\/[^/.]+\.vault(?:\.[^/.]+)+\/secrets\/[^/]+$/;

/** The host that Azure documents, for any other that begins with the vault's name. */
const vaultHost: Rename = (uri) =>
  /^https:\/\/[^/.]+\.vault\./.test(uri)
    ? uri
    : uri.replace(/^(https:\/\/[^/.]+)\.(?:[^/]*\.)?([^/.]+\.[^/.]+)(?=\/)/, '$1.vault.$2');

const plainSecret: Rename = (uri) => withoutVersion(asSecret(vaultOnly(plainUri(uri))));

const comparisons: Record<SpellingName, Spelling> = {
  // Whether a name ends so by itself cannot be seen, so that neither gives out the other.
  'aws-arn': {
    perhaps: [
      { ofGlob: asItIs, ofName: withoutSix },
      { ofGlob: withoutRandomSix, ofName: asItIs },
    ],
    surely: [{ ofGlob: asItIs, ofName: asItIs }],
    further: { ofGlob: globsWithoutSix, ofName: asItIs },
    plainly: [withoutSix],
    isPlain: (glob) => withoutRandomSix(glob) === glob,
    isWord: (glob) => /-[a-z]{6}$/.test(glob),
  },
  // Vault's agent puts `data/` behind the mount of a kv2 engine where it is missing, and where mounts end only Vault
  // knows (hashicorp/consul-template, dependency/vault_read.go: addPrefixToVKVPath). A mount is nearly always one
  // segment; what is given out counts on that, and what is forbidden does not.
  'vault-path': {
    perhaps: [{ ofGlob: withoutAnyData, ofName: withoutAnyData }],
    surely: [
      { ofGlob: withoutSlash, ofName: asItIs },
      { ofGlob: (glob) => withoutData(withoutSlash(glob)), ofName: withoutData },
    ],
    keyApart: true,
    further: { ofGlob: (glob) => globsWithoutData(withoutAnyData(glob)), ofName: withoutAnyData },
    plainly: [withoutAnyData, withoutData],
    isPlain: (glob) => withoutAnyData(glob) === withoutData(withoutSlash(glob)),
  },
  // Azure, "About keys, secrets and certificates": vault names and object names. A rule for one version gives out only
  // this one.
  'azure-uri': {
    perhaps: [{ ofGlob: plainSecret, ofName: plainSecret }],
    surely: [
      { ofGlob: plainUri, ofName: plainUri },
      { ofGlob: plainUri, ofName: plainVersion },
    ],
    open: {
      ofGlob: (glob) => openUris(plainUri(glob), withoutVersion),
      meeting: (name, budget) => {
        const [, vault, secret] = /^https:\/\/([^/]+)\/secrets\/([^/]+)$/.exec(plainSecret(name)) ?? [];
        if (vault === undefined || secret === undefined) return () => false;
        return (open) => meetsUri(open, { vault, secret }, budget);
      },
    },
    plainly: [
      (uri) => vaultHost(asSecret(plainVersion(uri))),
      (uri) => asSecret(plainVersion(uri)),
      plainVersion,
    ],
    isPlain: (glob) => secretUri.test(plainUri(glob)),
  },
};

/** @returns undefined for a manager that knows every secret by one name */
export const secretSpelling = (name: SpellingName | undefined): Spelling | undefined =>
  name === undefined ? undefined : comparisons[name];
