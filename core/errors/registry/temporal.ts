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
  temporal_namespace_foreign: {
    class: 'precondition',
    http: 409,
    message:
      'The Temporal namespace {namespace} (id {found}) is not the one of this catalog, which is {own} (id {expected})',
    hint: 'Correct HOLDFAST_TEMPORAL_ADDRESS and HOLDFAST_TEMPORAL_NAMESPACE. When that Temporal is gone for good, `holdfast init --adopt-namespace` takes this one: runs that were under way are then closed as lost.',
    messageZh: 'Temporal 命名空间 {namespace}(标识 {found})不属于该目录;所属的是 {own}(标识 {expected})',
    hintZh:
      '请更正 HOLDFAST_TEMPORAL_ADDRESS 和 HOLDFAST_TEMPORAL_NAMESPACE。如原 Temporal 已永久丢失,执行 `holdfast init --adopt-namespace` 改用当前命名空间:未完成的运行将按丢失结束。',
  },
} as const satisfies Record<string, ErrorSpec>;
