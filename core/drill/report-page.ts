import { wordOfVerdict } from './drill.ts';
import type { DrillReport, SignedReport } from './drill-report.ts';

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

const row = (name: string, value: string | number | undefined): string =>
  value === undefined ? '' : `<tr><th scope="row">${escaped(name)}</th><td>${escaped(String(value))}</td></tr>`;

const seconds = (value: number | undefined): string | undefined =>
  value === undefined ? undefined : `${value.toFixed(value < 10 ? 2 : 0)} s`;

const style = `@page{size:A4;margin:18mm}
body{font:10.5pt/1.45 system-ui,"Noto Sans CJK SC",sans-serif;color:#111;max-width:180mm;margin:0 auto;padding:6mm}
h1{font-size:17pt;margin:0 0 2mm}h2{font-size:12pt;margin:6mm 0 2mm;break-after:avoid}
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:1.2mm 2mm;border-bottom:.3pt solid #bbb}
th{font-weight:600}table.facts th{width:48mm}tr{break-inside:avoid}
.verdict{display:inline-block;padding:1mm 3mm;border:1pt solid;font-weight:700}
.passed{color:#0a5c2b}.failed{color:#a11212}.skipped{color:#6b5200}
code{font:8.5pt/1.35 ui-monospace,monospace;overflow-wrap:anywhere}`;

/** A report as a page of its own: no scripts, nothing loaded from elsewhere, made to be printed on A4. */
export function reportPage(report: DrillReport, signed: SignedReport): string {
  const verdict = report.isPassed ? 'passed' : 'failed';
  const less = report.isPassed && !report.isComplete ? ' — less was proven: not everything was checked' : '';
  const title = `Drill of ${report.resource.name}, ${report.finishedAt.slice(0, 10)}`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${escaped(title)}</title><style>${style}</style></head><body>
<h1>${escaped(title)}</h1>
<p class="verdict ${verdict}">${verdict.toUpperCase()}${less}</p>
<h2>Result</h2>
<table class="facts">${[
    row('Recovery took (RTO)', seconds(report.rto.seconds)),
    ...Object.entries(report.rto.secondsByPhase).map(([phase, value]) => row(`— ${phase}`, seconds(value))),
    row('Loss at most (RPO)', seconds(report.rpoSeconds)),
    row('Log covered until', report.coveredUntil),
    row('Last transaction', report.lastTransactionAt),
    row('Reached LSN', report.reachedLsn),
    row('Begun', report.plannedAt),
    row('Finished', report.finishedAt),
  ].join('')}</table>
<h2>Checks</h2>
<table><tr><th>Check</th><th>Result</th><th>Found</th><th>Time</th></tr>${report.checks
    .map(
      (check) =>
        `<tr><td>${escaped(check.name)}</td><td class="${check.verdict}">${wordOfVerdict(check.verdict)}</td><td>${escaped(check.detail)}</td><td>${seconds(check.seconds) ?? ''}</td></tr>`,
    )
    .join('')}</table>
<h2>What was restored</h2>
<table class="facts">${[
    row('Resource', `${report.resource.name} (${report.resource.id})`),
    row('System identifier', report.systemId),
    row('Engine', report.engine),
    row('Pool', `${report.pool.name} (${report.pool.id})`),
    row('Restored on', `${report.host.name} (${report.host.id})`),
    row('In the place of', report.target?.name),
    row('Backup set', report.chain.join(' ← ')),
    row('Log segments', report.logSegments),
    row('Timeline', report.timeline),
    row('Bytes written', report.bytesWritten),
    row('Run', report.runId),
    row('Holdfast', report.toolVersion),
  ].join('')}</table>
<h2>Signature</h2>
<table class="facts">${row('SHA-256 of the report', signed.sha256)}${row('Report before it', report.previousSha256 || 'none')}</table>
<p>Ed25519 <code>${escaped(signed.signature)}</code></p>
<p><code>${escaped(signed.publicKey.trim())}</code></p>
<p>This page shows a signed report; proof is the report itself: <code>holdfast drill report ${escaped(report.runId)} --out FILE</code>, then <code>holdfast drill verify-report FILE</code>.</p>
</body></html>
`;
}
