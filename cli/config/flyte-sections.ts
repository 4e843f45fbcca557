import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { member } from '#shared/core/text/json-object.ts';
import { joinWords } from '#shared/core/text/plain-text.ts';
import { readYamlDocuments, type YamlDocument } from '#shared/runtime/yaml-documents.ts';
import { describeYamlFault } from '#shared/runtime/yaml-text.ts';
import {
  type FlyteSection,
  type FoundSections,
  findFlyteSections,
  isOfFlyte2,
} from './find-flyte-sections.ts';

/** Nobody reads more places. */
const mostPlaces = 20;

/**
 * Reads the section of Flyte's configuration that is to be imported, from whatever holds it: a file of Flyte, its
 * ConfigMap, a List, a rendered chart of many documents, or the values of a chart.
 * @param chosen which of several sections, counted from 1
 * @throws CONFIG_INVALID when it cannot be read, holds no section, or several of which none is chosen
 */
export function readFlyteSection(text: string, source: string, chosen?: number): FlyteSection {
  const documents = readYamlDocuments(text);
  if ('faults' in documents) {
    const [why] = documents.faults.map(describeYamlFault);
    throw invalid(`${source} cannot be read: ${why}`);
  }
  const found = findFlyteSections(documents);
  if (found.unreadable.length > 0) {
    throw invalid(`${source}: ${listed(found.unreadable)}`);
  }
  const { sections, elsewhere } = found;
  const [first] = sections;
  if (elsewhere.length > 0 && chosen === undefined) {
    throw invalid(`${source}: ${unseen(elsewhere, sections)}`);
  }
  if (first === undefined) throw invalid(`${source}: ${nothingFound(documents, found)}`);
  if (chosen === undefined && sections.length === 1) return first;
  const section = chosen === undefined ? undefined : sections[chosen - 1];
  if (section !== undefined) return section;
  const places = sections.map(({ place }, index) => `${index + 1}. ${place}`);
  throw invalid(
    `${source}: it configures Flyte's webhook in ${sections.length} places, choose one with --section NUMBER:\n${places.slice(0, mostPlaces).join('\n')}`,
  );
}

const invalid = (message: string): LatchkeyError => new LatchkeyError('CONFIG_INVALID', message);

/** What lies elsewhere may choose another secret manager: it wins over what was found here. */
function unseen(elsewhere: readonly string[], sections: readonly FlyteSection[]): string {
  const without =
    sections.length === 0
      ? ''
      : `. If it holds no section "webhook" and none "secrets", take what this file has with --section 1${sections.length === 1 ? '' : ` to ${sections.length}`}`;
  return `the values name the ${joinWords(elsewhere)} for a part of the configuration that is not in this file and wins over it. Give that object to this command: kubectl get -o yaml prints it, and import reads the files in it${without}`;
}

const listed = (places: readonly string[]): string => places.slice(0, mostPlaces).join('; ');

function nothingFound(documents: readonly YamlDocument[], { foreign }: FoundSections): string {
  const advice =
    "give the ConfigMap that Flyte's webhook mounts (flyte-core: flyte-propeller-config, flyte-binary: flyte-binary-config or <release>-flyte-binary-config), or the chart rendered by helm template or helm get manifest";
  if (foreign.length > 0) {
    return `no section "webhook" with a field of Flyte's webhook was found; others of that name: ${listed(foreign)}. Instead, ${advice}`;
  }
  if (documents.some(({ value }) => isOfFlyte2(value))) {
    return `these are values of Flyte 2's chart flyte-binary, which configures the manager Embedded: latchkey has no manager for it; see "Flyte 2" in docs/migration.md`;
  }
  const isValues = documents.some(
    ({ value }) => member(value, 'kind') === undefined && member(value, 'configuration') !== undefined,
  );
  const kind = isValues
    ? 'these are values of the chart flyte-binary without a section of the webhook, which the chart itself adds'
    : 'no section "webhook" and none "secrets" was found';
  return `${kind}; ${advice}`;
}
