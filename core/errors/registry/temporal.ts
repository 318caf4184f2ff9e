import type { ErrorSpec } from '../error-spec.ts';

/** Errors of what stands between Temporal Web and this installation. */
export const temporalErrors = {
  origin_refused: {
    class: 'denied',
    http: 403,
    message: 'Pages of {origin} may not open payloads',
    hint: 'Set HOLDFAST_TEMPORAL_UI_URL of the API to the address of Temporal Web as its users open it.',
    messageZh: '不允许来自 {origin} 的页面解密载荷',
    hintZh: '请将 API 的 HOLDFAST_TEMPORAL_UI_URL 设为用户访问 Temporal Web 的地址。',
  },
} as const satisfies Record<string, ErrorSpec>;
