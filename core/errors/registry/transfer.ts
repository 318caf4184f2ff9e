import type { ErrorSpec } from '../error-spec.ts';

/** Errors of scratch instances, and of carrying databases and tables from one server into another. */
export const transferErrors = {
  scratch_closed: {
    class: 'unavailable',
    http: 503,
    message:
      'The server of the scratch instance in {directory} ended with exit code {exitCode} when it was started again',
    hint: 'It is tried again. When it stays so, cancel the run and start it anew: the scratch instance is restored afresh.',
    messageZh: '{directory} 中临时实例的服务器再次启动时以退出码 {exitCode} 结束',
    hintZh: '系统会重试。若一直如此,请取消该运行并重新发起:临时实例会重新恢复。',
  },
} as const satisfies Record<string, ErrorSpec>;
