import type { ErrorCode } from './errors.ts';
import { errors } from './errors.ts';
import type { ErrorClass, ErrorSpec } from './error-spec.ts';

const fill = (template: string, params: Readonly<Record<string, string>>): string =>
  template.replace(/\{(\w+)\}/g, (whole, name: string) => params[name] ?? whole);

function hintsOf(code: ErrorCode, params: Readonly<Record<string, string>>): Pick<ErrorSpec, 'hint' | 'hintZh'> {
  const spec: ErrorSpec = errors[code];
  const { hintWhen } = spec;
  return hintWhen !== undefined && (params[hintWhen.param] ?? '') === hintWhen.is ? hintWhen : spec;
}

/** A registered error: what, which object, why (`cause`) and what to do. Crosses Temporal and HTTP as its code and params. */
export class HoldfastError extends Error {
  readonly code: ErrorCode;
  readonly params: Readonly<Record<string, string>>;

  /** Prefer `fail(code, params)`: it checks the parameters at compile time. */
  constructor(code: ErrorCode, params: Readonly<Record<string, string>>, cause?: unknown) {
    super(fill(errors[code].message, params), cause === undefined ? undefined : { cause });
    this.name = 'HoldfastError';
    this.code = code;
    this.params = params;
  }

  get class(): ErrorClass {
    return errors[this.code].class;
  }

  get hint(): string {
    return fill(hintsOf(this.code, this.params).hint, this.params);
  }

  /** True when the same call may succeed later without anybody acting. */
  get isRetryable(): boolean {
    return this.class === 'unavailable' || this.class === 'exhausted';
  }

  /** Message and hint in Chinese, for the console and `--lang zh`. */
  inChinese(): { message: string; hint: string } {
    return {
      message: fill(errors[this.code].messageZh, this.params),
      hint: fill(hintsOf(this.code, this.params).hintZh, this.params),
    };
  }
}

/** True for a code of the registry: use it on text that came over a wire. */
export const isErrorCode = (text: string): text is ErrorCode => Object.hasOwn(errors, text);
