import { z } from 'zod';
import { productVersion } from '#core/version.ts';
import { problemShape } from './problem.ts';
import type { Route } from './route.ts';

type Json = Readonly<Record<string, unknown>>;

/** OpenAPI 3.1 of the routes: its schemas are JSON Schema 2020-12, which zod writes itself. */
export function openapiOf(routes: readonly Route[]): Json {
  const book = openSchemaBook();
  const problem = book.schemaOf(problemShape);
  const paths: Record<string, Record<string, Json>> = {};
  for (const route of routes) {
    paths[route.path] = { ...paths[route.path], [route.method]: operationOf(route, book, problem) };
  }
  return {
    openapi: '3.1.1',
    info: { title: 'Holdfast', version: productVersion, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    servers: [{ url: '/' }],
    security: [{ bearer: [] }],
    paths,
    components: {
      schemas: book.schemas,
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'hf_… API token, or hfh_… key of a host' },
      },
    },
  };
}

interface SchemaBook {
  readonly schemas: Record<string, unknown>;
  schemaOf(shape: z.ZodType): Json;
}

/** Shapes that carry an `id` become components; the rest stands where it is used. */
function openSchemaBook(): SchemaBook {
  const schemas: Record<string, unknown> = {};
  return {
    schemas,
    schemaOf: (shape) => {
      const { $defs = {}, ...schema } = z.toJSONSchema(shape, {
        io: 'input',
        unrepresentable: 'any',
        reused: 'inline',
      });
      for (const [name, definition] of Object.entries($defs)) schemas[name] = relinked(definition);
      const own = shape.meta()?.id;
      if (own === undefined) return relinked(schema);
      schemas[own] = relinked(schema);
      return { $ref: `#/components/schemas/${own}` };
    },
  };
}

/** What zod writes and OpenAPI says elsewhere. */
const dropped: ReadonlySet<string> = new Set(['id', '$schema']);

/** Points `#/$defs/X` to the components and drops what is said elsewhere. */
function relinked(schema: Json): Json {
  const text = JSON.stringify(schema, (key, value: unknown) =>
    dropped.has(key) && typeof value === 'string' ? undefined : value,
  );
  return z.record(z.string(), z.unknown()).parse(JSON.parse(text.replaceAll('"#/$defs/', '"#/components/schemas/')));
}

function operationOf(route: Route, book: SchemaBook, problem: Json): Json {
  const json = (schema: Json): Json => ({ 'application/json': { schema } });
  const content = route.answer === undefined ? streamOf(route) : { content: answerOf(route, route.answer, book) };
  return {
    operationId: operationId(route),
    summary: route.title,
    tags: [tagOf(route)],
    ...(route.access === 'everybody' ? { security: [] } : {}),
    parameters: [...namesIn(route.path), ...queryOf(route, book), ...keyOf(route)],
    ...(route.body === undefined ? {} : { requestBody: { required: true, content: json(book.schemaOf(route.body)) } }),
    responses: {
      [String(route.status)]: { description: 'Done', ...content },
      default: { description: 'Refused or failed', content: { 'application/problem+json': { schema: problem } } },
    },
  };
}

const streamOf = ({ stream }: Route): Json =>
  stream === undefined ? {} : { content: { 'text/event-stream': { schema: { type: 'string' } } } };

const answerOf = ({ contentType = 'application/json' }: Route, answer: z.ZodType, book: SchemaBook): Json => ({
  [contentType]: { schema: book.schemaOf(answer) },
});

const operationId = (route: Route): string =>
  `${route.method}_${route.path
    .replace(/[{}]/g, '')
    .replace(/[^A-Za-z0-9]+/g, '_')
    .replace(/^_|_$/g, '')}`;

const tagOf = (route: Route): string =>
  route.path.split('/').find((part) => !['', 'api', 'agent', 'v1'].includes(part)) ?? 'server';

const namesIn = (path: string): Json[] =>
  [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));

const objectShape = z.object({
  properties: z.record(z.string(), z.record(z.string(), z.unknown())).optional(),
  required: z.array(z.string()).optional(),
});

function queryOf(route: Route, book: SchemaBook): Json[] {
  if (route.query === undefined) return [];
  const { properties = {}, required = [] } = objectShape.parse(book.schemaOf(route.query));
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    schema,
  }));
}

const keyOf = (route: Route): Json[] =>
  route.method === 'post' && typeof route.access === 'object' && route.isSecret !== true
    ? [
        {
          name: 'Idempotency-Key',
          in: 'header',
          required: route.needsKey === true,
          schema: { type: 'string', maxLength: 200 },
        },
      ]
    : [];
