import { z } from 'zod';
import { distance } from '../near-names.ts';

/** A JSON schema as far as it names parts. */
interface Schema {
  readonly $ref?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
}

const schemaShape: z.ZodType<Schema> = z.lazy(() =>
  z.looseObject({
    $ref: z.string().exactOptional(),
    properties: z.record(z.string(), schemaShape).exactOptional(),
    anyOf: z.array(schemaShape).exactOptional(),
    oneOf: z.array(schemaShape).exactOptional(),
    allOf: z.array(schemaShape).exactOptional(),
  }),
);
const documentShape = z.looseObject({ $defs: z.record(z.string(), schemaShape).default({}) });

/** Stands in a path for any name: the oid of a tablespace, say. */
const anyName = '*';

/**
 * Every part that a shape takes, as paths with dots, of whichever of its forms; parts inside of lists are not named. A shape drops what
 * it does not know without a word, so whoever writes single parts asks here first.
 */
export function partsOf(shape: z.ZodType): readonly string[] {
  const json = z.toJSONSchema(shape, { io: 'input', unrepresentable: 'any' });
  const { $defs } = documentShape.parse(json);
  const found = new Set<string>();
  const walk = (schema: Schema, above: string): void => {
    const named = schema.$ref === undefined ? undefined : $defs[schema.$ref.replace(/^#\/\$defs\//, '')];
    if (named !== undefined) walk(named, above);
    for (const form of [schema.anyOf, schema.oneOf, schema.allOf].flatMap((forms) => forms ?? [])) walk(form, above);
    const open = typeof schema.additionalProperties === 'object' ? { [anyName]: {} } : {};
    for (const [name, part] of Object.entries({ ...open, ...schema.properties })) {
      found.add(`${above}${name}`);
      walk(part, `${above}${name}.`);
    }
  };
  walk(schemaShape.parse(json), '');
  return [...found];
}

/** Whether a path is one of the parts, or lies below one with any name. */
export const isPart = (parts: readonly string[], path: string): boolean =>
  parts.some(
    (part) =>
      part === path ||
      (part === anyName ? true : part.endsWith(`.${anyName}`) && path.startsWith(part.slice(0, -anyName.length))),
  );

const mostNear = 5;

/** The parts that somebody may have meant: those that end alike first, then those that are written alike. */
export function nearParts(parts: readonly string[], path: string): readonly string[] {
  const last = lastOf(path);
  const rank = (part: string): number => {
    const isBegun = lastOf(part).toLowerCase().startsWith(last.toLowerCase());
    return Math.min(distance(part, path), isBegun ? 0.8 : distance(lastOf(part), last) + 0.5);
  };
  return [...parts]
    .map((part) => ({ part, far: rank(part) }))
    .sort((a, b) => a.far - b.far)
    .slice(0, mostNear)
    .map(({ part }) => part);
}

const lastOf = (path: string): string => path.slice(path.lastIndexOf('.') + 1);
