/** How reports look, on a screen and on paper. */
export const REPORT_STYLE = `
:root { color-scheme: light; font: 15px/1.45 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; color: #1c2330; }
body { max-width: 68rem; margin: 2rem auto; padding: 0 1rem; background: #fff; }
h1 { font-size: 1.6rem; margin: 0; } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
p, footer { color: #4a5568; } p.lead { margin: .3rem 0 1.2rem; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); gap: .7rem; margin: 1.2rem 0; }
.figure { border: 1px solid #d5dbe5; border-left-width: .3rem; border-radius: .4rem; padding: .5rem .8rem; color: #4a5568; }
.figure b { display: block; font-size: 1.45rem; color: #1c2330; font-variant-numeric: tabular-nums; }
.figure small { display: block; font-size: .82rem; } .figure.is-good { border-left-color: #17693a; }
.figure.is-warning { border-left-color: #b97900; } .figure.is-bad { border-left-color: #a61b1b; }
.charts { display: grid; gap: 1rem; } figure { margin: 0; } figcaption { color: #4a5568; margin-bottom: .2rem; }
.chart { width: 100%; height: auto; } .chart .grid { stroke: #e3e8ef; } .chart .tick { font-size: 11px; fill: #4a5568; }
.chart .limit { stroke: #b97900; stroke-dasharray: 4 4; } .chart .curve { fill: none; stroke: #17693a; stroke-width: 2; }
.chart .under { fill: #17693a; fill-opacity: .12; } .chart circle { fill: #17693a; }
.chart .bar-good { fill: #2e8556; } .chart .bar-bad { fill: #b3261e; }
.key { display: inline-block; width: .7rem; height: .7rem; margin: 0 .25rem 0 .8rem; }
.key.bar-good { background: #2e8556; } .key.bar-bad { background: #b3261e; }
table { border-collapse: collapse; width: 100%; font-size: .93rem; } td { overflow-wrap: anywhere; }
th, td { text-align: left; padding: .35rem .55rem; border-bottom: 1px solid #e3e8ef; vertical-align: top; }
th { font-weight: 600; color: #4a5568; } .number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
ul { margin: .2rem 0; padding-left: 1.1rem; }
.when { white-space: nowrap; } .good { color: #17693a; } .warning { color: #8a5800; } .bad { color: #a61b1b; font-weight: 600; }
section { overflow-x: auto; }
td.digits { white-space: nowrap; }
.digits span { display: inline-block; min-width: 1.25rem; text-align: center; border-radius: .2rem; margin-right: .1rem; }
.digits .yes { background: #dff2e6; color: #17693a; } .digits .no { background: #fbe3e1; color: #a61b1b; font-weight: 700; }
td.name { min-width: 7rem; } @media screen and (max-width: 40rem) { td.name { min-width: 10rem; } td.what { min-width: 14rem; } }
@page { margin: 14mm 12mm; }
@media print {
  :root { font-size: 11px; } body { margin: 0; max-width: none; padding: 0; } h2 { break-after: avoid; }
  tr, .figure, figure { break-inside: avoid; } thead { display: table-header-group; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
`;
