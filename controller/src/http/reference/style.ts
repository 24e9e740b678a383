export const REFERENCE_STYLE = `
:root { color-scheme: light; font: 15px/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; color: #1c2330; }
* { box-sizing: border-box; } body { margin: 0; display: grid; grid-template-columns: 21rem minmax(0, 1fr); }
nav { position: sticky; top: 0; height: 100vh; overflow: auto; padding: 1rem; border-right: 1px solid #e3e8ef; font-size: .85rem; }
nav h1 { font-size: 1.1rem; margin: 0 0 .6rem; } nav ul { list-style: none; margin: .2rem 0 .6rem; padding: 0; }
nav summary { font-weight: 600; cursor: pointer; } nav li { overflow-wrap: anywhere; padding: .08rem 0; }
main { padding: 1rem 2rem 4rem; max-width: 62rem; } h2 { margin: 2.5rem 0 .5rem; font-size: 1.4rem; }
section { border-top: 1px solid #e3e8ef; padding: .8rem 0; } h3 { font-size: 1.02rem; margin: .2rem 0; }
h4 { margin: .7rem 0 .2rem; font-size: .9rem; color: #4a5568; } a { color: #14508c; text-decoration: none; }
a:hover { text-decoration: underline; } code { font: .92em ui-monospace, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
b.get { color: #14508c; } b.post { color: #17693a; } b.put, b.patch { color: #8a5800; } b.delete, .refused { color: #a61b1b; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; margin: .2rem 0; }
td { border-top: 1px solid #eef1f5; padding: .25rem .6rem .25rem 0; vertical-align: top; overflow-wrap: anywhere; }
td:first-child { width: 32%; } td:nth-child(2) { width: 30%; } small, td div { color: #4a5568; }
ul.answers { margin: .2rem 0; padding-left: 1.1rem; }
@media (max-width: 50rem) { body { display: block; } nav { position: static; height: auto; border: 0; } main { padding: 1rem; } }
@media print { nav { display: none; } body { display: block; } section { break-inside: avoid; } }
`;
