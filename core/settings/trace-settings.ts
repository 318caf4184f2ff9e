import { z } from 'zod';
import { field } from './field.ts';

const since = '0.1';

/** True for an address of HTTP without a login in it: what is in an address ends in logs. */
const isPlainUrl = (text: string): boolean => /^https?:\/\/[^@\s?#]+$/.test(text);

const headerShape = /^[A-Za-z0-9-]+=[\x20-\x7e]*$/;

/** Why so strict: a header that HTTP refuses would be refused with its value in the words. */
function areHeaders(text: string): boolean {
  try {
    return text.split(',').every((pair) => headerShape.test(decodeURIComponent(pair.trim())));
  } catch {
    return false;
  }
}

/** Where spans go, under the names that every OpenTelemetry program reads them by; shared by api, worker and agent. */
export const traceFields = {
  otelExporterOtlpEndpoint: field(
    z.string().refine(isPlainUrl, 'it must be an http or https address without login and query').optional(),
    {
      title: 'OpenTelemetry endpoint',
      description:
        'Base address of an OTLP/HTTP receiver; spans of runs go to its /v1/traces as JSON. Absent: no traces are made',
      example: 'http://otel-collector:4318',
      since,
    },
  ),
  otelExporterOtlpHeaders: field(
    z.string().refine(areHeaders, 'it must be name=value, separated by commas').optional(),
    {
      title: 'OpenTelemetry headers',
      description:
        'Headers for that receiver, such as a token: name=value, separated by commas, values percent-encoded',
      example: 'authorization=Bearer%20…',
      since,
      isSecret: true,
    },
  ),
};

export type TraceSettings = z.output<z.ZodObject<typeof traceFields>>;
