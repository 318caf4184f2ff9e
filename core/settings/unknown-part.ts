import { z } from 'zod';
import { nearParts, partsOf } from './known-parts.ts';

/** A JSON schema as far as it says which parts a value may have. */
interface Schema {
  readonly $ref?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema | boolean;
  readonly prefixItems?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
}

const schemaShape: z.ZodType<Schema> = z.lazy(() =>
  z.looseObject({
    $ref: z.string().exactOptional(),
    const: z.unknown().exactOptional(),
    enum: z.array(z.unknown()).exactOptional(),
    properties: z.record(z.string(), schemaShape).exactOptional(),
    additionalProperties: z.union([z.boolean(), schemaShape]).exactOptional(),
    items: z.union([z.boolean(), schemaShape]).exactOptional(),
    prefixItems: z.array(schemaShape).exactOptional(),
    anyOf: z.array(schemaShape).exactOptional(),
    oneOf: z.array(schemaShape).exactOptional(),
    allOf: z.array(schemaShape).exactOptional(),
  }),
);
const documentShape = z.looseObject({ $defs: z.record(z.string(), schemaShape).default({}) });

/** A part of a value that its shape does not know, and the parts that may have been meant, the nearest first. */
export interface UnknownPart {
  /** Names and numbers of lists, joined by dots. */
  readonly path: string;
  readonly near: readonly string[];
}

/**
 * Finds the first part of a value that a shape would drop without a word, however deep. Of a shape with several forms those count whose
 * fixed words (`kind`, say) the value has. Where any name may stand, every name is known.
 */
export function openUnknownPart(shape: z.ZodType): (value: unknown) => UnknownPart | undefined {
  const json = z.toJSONSchema(shape, { io: 'input', unrepresentable: 'any' });
  const { $defs } = documentShape.parse(json);
  const [root, parts] = [schemaShape.parse(json), partsOf(shape)];
  return (value) => {
    const found = lookInto(root, { value, path: [], $defs });
    if (found === undefined) return undefined;
    const [path, above] = [
      found.path.join('.'),
      found.path
        .slice(0, -1)
        .map((name) => `${name}.`)
        .join(''),
    ];
    const beside = found.known.map((name) => `${above}${name}`);
    return { path, near: nearParts([...new Set([...beside, ...parts])], path) };
  };
}

interface Place {
  readonly value: unknown;
  readonly path: readonly string[];
  readonly $defs: Readonly<Record<string, Schema>>;
}

interface Found {
  readonly path: readonly string[];
  /** Names that may stand there. */
  readonly known: readonly string[];
}

function lookInto(asked: Schema, place: Place): Found | undefined {
  const schema = resolved(asked, place.$defs);
  const forms = schema.anyOf ?? schema.oneOf;
  if (forms !== undefined) return lookIntoForms(forms, place);
  const { value } = place;
  if (Array.isArray(value)) return first(value, (one, at) => lookIntoItem(schema, { ...place, value: one }, at));
  return isObject(value) ? lookIntoObject(schema, { ...place, value }) : undefined;
}

/** What one of the forms knows is known; of what none knows the deepest is told. */
function lookIntoForms(forms: readonly Schema[], place: Place): Found | undefined {
  const fitting = forms.filter((form) => isFitting(form, place));
  const found = (fitting.length === 0 ? forms : fitting).map((form) => lookInto(form, place));
  return found.reduce((a, b) => (a === undefined || b === undefined ? undefined : deeper(a, b)));
}

function deeper(a: Found, b: Found): Found {
  if (a.path.length !== b.path.length) return a.path.length > b.path.length ? a : b;
  return { path: a.path, known: [...a.known, ...b.known] };
}

function lookIntoItem(schema: Schema, place: Place, at: number): Found | undefined {
  const item = schema.prefixItems?.[at] ?? schema.items;
  return typeof item === 'object' ? lookInto(item, { ...place, path: [...place.path, String(at)] }) : undefined;
}

function lookIntoObject(schema: Schema, place: Place & { readonly value: object }): Found | undefined {
  const { properties, additionalProperties: rest } = schema;
  if (properties === undefined && rest === undefined) return undefined;
  return first(Object.entries(place.value), ([name, value]) => {
    const path = [...place.path, name];
    const part = properties !== undefined && Object.hasOwn(properties, name) ? properties[name] : rest;
    if (part === undefined || part === false) return { path, known: Object.keys(properties ?? {}) };
    return part === true ? undefined : lookInto(part, { ...place, path, value });
  });
}

/** Follows names, and puts the parts of an intersection together. */
function resolved(schema: Schema, $defs: Place['$defs']): Schema {
  const named = schema.$ref === undefined ? undefined : $defs[schema.$ref.replace(/^#\/\$defs\//, '')];
  if (named !== undefined) return resolved(named, $defs);
  if (schema.allOf === undefined) return schema;
  return schema.allOf
    .map((one) => resolved(one, $defs))
    .reduce((a, b) => ({ ...a, ...b, properties: { ...a.properties, ...b.properties } }));
}

/** The fixed words of a form are those of the value. */
function isFitting(form: Schema, { value, $defs }: Place): boolean {
  const schema = resolved(form, $defs);
  const forms = schema.anyOf ?? schema.oneOf;
  if (forms !== undefined) return forms.some((one) => isFitting(one, { value, path: [], $defs }));
  if (!isObject(value)) return true;
  return Object.entries(schema.properties ?? {}).every(([name, part]) => {
    const words = part.const === undefined ? part.enum : [part.const];
    const given: unknown = Object.entries(value).find(([one]) => one === name)?.[1];
    return words === undefined || given === undefined || words.includes(given);
  });
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function first<T>(items: readonly T[], look: (item: T, at: number) => Found | undefined): Found | undefined {
  for (const [at, item] of items.entries()) {
    const found = look(item, at);
    if (found !== undefined) return found;
  }
  return undefined;
}
