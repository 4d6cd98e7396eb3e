/** The tables of docs/job-spec.md, from the schema that also checks a job. Pure. */
import { jobJsonSchema, modelJobJsonSchema } from '../../proto/resolve.js';

interface Node {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Node>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Node | boolean;
  readonly items?: Node;
  readonly oneOf?: readonly Node[];
  readonly anyOf?: readonly Node[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly pattern?: string;
  readonly format?: string;
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, Node>>;
}

/** What stands above this line in the page is written by hand and kept. */
export const GENERATED_BELOW = '<!-- Below: made by `laurel docs --write` from the schema. -->';

/** The page with its tables made anew. */
export function jobPage(current: string): string {
  const [intro] = current.split(GENERATED_BELOW);
  return `${(intro ?? '').trimEnd()}\n\n${GENERATED_BELOW}\n\n${jobTables()}`;
}

export function jobTables(): string {
  return [...sections('job', inlined(jobJsonSchema() as Node)), ...sections('model-job', inlined(modelJobJsonSchema() as Node))].join('\n');
}

const EXPRESSION = '#/$defs/expression';

/** References in place, except those that lead to themselves. */
function inlined(root: Node): Node {
  const definitions = root.$defs ?? {};
  const walk = (node: unknown, within: readonly string[]): unknown => {
    if (Array.isArray(node)) return node.map((one) => walk(one, within));
    if (typeof node !== 'object' || node === null) return node;
    const { $ref } = node as Node;
    const definition = $ref === undefined || $ref === EXPRESSION || within.includes($ref) ? undefined : definitions[$ref.slice('#/$defs/'.length)];
    if (definition !== undefined && definition.anyOf === undefined && $ref !== undefined) return walk({ ...definition, ...node, $ref: undefined }, [...within, $ref]);
    return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, walk(value, within)]));
  };
  return walk({ ...root, $defs: undefined }, []) as Node;
}

/** One table for an object, then one for each object inside it. */
function sections(path: string, node: Node): string[] {
  const object = objectOf(node);
  if (!object?.properties) return [];
  const rows = Object.entries(object.properties).map(([name, field]) => row(name, field, object.required ?? []));
  const own = [`## \`${path}\``, '', ...(object.description ? [object.description, ''] : []), '| field | type | default | |', '|---|---|---|---|', ...rows, ''];
  return [...own, ...Object.entries(object.properties).flatMap(([name, field]) => inside(path === 'job' ? name : `${path}.${name}`, field))];
}

/** Sections of whatever objects a field can hold: directly, by kind, as values by name, as items of a list. */
function inside(path: string, field: Node): string[] {
  if (field.items) return inside(`${path}[]`, field.items);
  const alternatives = alternativesOf(field);
  if (alternatives.length > 0) {
    const objects = alternatives.filter((one) => one.properties);
    return objects.flatMap((one) => sections(objects.length > 1 ? `${path} (${nameOf(one).replace(/[`":]/g, '')})` : path, one));
  }
  if (typeof field.additionalProperties === 'object') return inside(`${path}.<name>`, field.additionalProperties);
  return sections(path, field);
}

function row(name: string, field: Node, required: readonly string[]): string {
  const fallback = field.default === undefined ? (required.includes(name) ? '**required**' : '') : `\`${short(field.default)}\``;
  const cells = [`\`${name}\``, typeText(field), fallback, field.description ?? ''];
  return `| ${cells.map((cell) => cell.replace(/\|/g, '\\|').replace(/\s+/g, ' ')).join(' | ')} |`;
}

/** Defaults of whole objects are those of their fields. */
function short(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 40 ? '{…}' : text;
}

function typeText(field: Node): string {
  if (field.const !== undefined) return `\`${JSON.stringify(field.const)}\``;
  if (field.enum) return field.enum.map((value) => `\`${JSON.stringify(value)}\``).join(', ');
  const alternatives = alternativesOf(field);
  if (alternatives.length > 0) return alternatives.map((one) => (one.properties ? objectText(one) : typeText(one))).join(' or ');
  if (field.items) return `list of ${typeText(field.items)}`;
  if (typeof field.additionalProperties === 'object' && !field.properties) return `object of name: ${typeText(field.additionalProperties)}`;
  if (field.properties) return 'object, see below';
  if (field.$ref === EXPRESSION) return 'expression: the name of a source or term, `name.element`, or an object as `combine`';
  if (field.$ref !== undefined) return 'any JSON';
  return `${typeof field.type === 'string' ? (TYPES[field.type] ?? field.type) : 'any'}${rangeText(field)}`;
}

const TYPES: Readonly<Record<string, string>> = { integer: 'whole number', number: 'number', string: 'text', boolean: '`true`, `false`', null: '`null`' };
/** Bounds of JSON numbers that stand for "none". */
const UNBOUNDED = Number.MAX_SAFE_INTEGER;

function rangeText(field: Node): string {
  const low = field.exclusiveMinimum !== undefined ? `above ${field.exclusiveMinimum}` : field.minimum !== undefined && field.minimum > -UNBOUNDED ? `from ${field.minimum}` : '';
  const high = field.maximum !== undefined && field.maximum < UNBOUNDED ? `to ${field.maximum}` : '';
  const range = [low, high].filter((part) => part !== '').join(' ');
  const form = field.pattern !== undefined ? `\`${field.pattern}\`` : field.format !== undefined ? field.format.toUpperCase().replace('URI', 'URL') : '';
  return [range, form].filter((part) => part !== '').map((part) => `, ${part}`).join('');
}

function objectText(node: Node): string {
  return `${nameOf(node)} (below)`;
}

/** What tells an alternative from the others: its constant field, or its kinds. */
function nameOf(node: Node): string {
  const fields = Object.entries(node.properties ?? {});
  const constant = fields.filter(([, field]) => field.const !== undefined);
  const first = constant[0] ?? fields.find(([name, field]) => name === 'kind' && field.enum !== undefined);
  const tags = [...(first ? [first] : []), ...constant.slice(1).filter(([name]) => name === 'rule')];
  return tags.length > 0 ? `\`${tags.map(([name, field]) => `"${name}": ${(field.enum ?? [field.const]).map((value) => JSON.stringify(value)).join(' or ')}`).join(', ')}\`` : 'object';
}

function alternativesOf(node: Node): readonly Node[] {
  // A union of unions is one.
  return (node.oneOf ?? node.anyOf ?? []).flatMap((one) => (one.oneOf ? alternativesOf(one) : [one]));
}

function objectOf(node: Node): Node | undefined {
  return node.properties ? node : alternativesOf(node).find((one) => one.properties);
}
