// What pages look like. Floor 5: text. Colours keep apart for eyes that tell red from green badly.

export const STYLE = `
:root{--ground:#fbfbfa;--card:#fff;--ink:#1f2328;--soft:#656d76;--line:#e4e6e9;--admitted:#5b8def;--throttled:#e8830c;--quota:#b0348c;--uncovered:#a9b1ba;--never:#7a1f1f}
@media(prefers-color-scheme:dark){:root{--ground:#14171b;--card:#1b1f24;--ink:#e6e8eb;--soft:#98a1ab;--line:#2c323a;--admitted:#5c8be0;--throttled:#f0a04b;--quota:#d876b8;--uncovered:#5d6670;--never:#e07070}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",sans-serif;font-variant-numeric:tabular-nums}
main{max-width:1120px;margin:0 auto;padding:40px 24px 24px}
h1{font-size:28px;line-height:1.25;margin:0 0 6px;letter-spacing:-.01em;overflow-wrap:anywhere}
h1 small{color:var(--soft);font-weight:400;font-size:20px}
h2{font-size:18px;margin:0 0 14px}
h3{font-size:13px;font-weight:600;color:var(--soft);margin:22px 0 6px}
.lead{color:var(--soft);margin:0 0 26px}
.lead b{color:var(--ink)}
section{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:20px 22px;margin:0 0 18px}
.tiles{background:none;border:0;padding:0;display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px}
.tile{background:var(--card);border:1px solid var(--line);border-top:3px solid var(--accent,var(--line));border-radius:10px;padding:12px 16px 14px}
.tile span,.tile small{display:block;color:var(--soft);font-size:13px}
.tile b{display:block;font-size:26px;line-height:1.3;letter-spacing:-.01em;font-weight:650}
.tile.admitted{--accent:var(--admitted)}.tile.throttled,.tile.newlyRefused{--accent:var(--throttled)}.tile.quotaExceeded{--accent:var(--quota)}.tile.uncovered{--accent:var(--uncovered)}.tile.freed{--accent:var(--admitted)}.tile.neverAdmitted{--accent:var(--never)}
.legend{display:flex;flex-wrap:wrap;gap:4px 18px;color:var(--soft);font-size:13px;margin:-6px 0 12px}
.legend i{display:inline-block;width:10px;height:10px;border-radius:2px;margin-right:6px}
.fill-admitted{fill:var(--admitted);background:var(--admitted)}.fill-throttled{fill:var(--throttled);background:var(--throttled)}.fill-quota{fill:var(--quota);background:var(--quota)}.fill-uncovered{fill:var(--uncovered);background:var(--uncovered)}
.chart{margin:0;display:grid;grid-template-columns:auto minmax(0,1fr);column-gap:8px}
.chart svg{display:block;width:100%;border-bottom:1px solid var(--line)}
.y{display:flex;flex-direction:column;justify-content:space-between;text-align:right;margin:-8px 0}
.x{grid-column:2;display:flex;justify-content:space-between;padding-top:4px}
.y,.x{color:var(--soft);font-size:12px;white-space:nowrap}
.grid{stroke:var(--line);stroke-width:1;vector-effect:non-scaling-stroke;fill:none}
.hover{fill:transparent}.hover:hover{fill:var(--soft);fill-opacity:.14}
.line{fill:none;stroke:var(--admitted);stroke-width:2;vector-effect:non-scaling-stroke}
.guide{fill:none;stroke:var(--soft);stroke-width:1;stroke-dasharray:4 4;vector-effect:non-scaling-stroke}
.dot{fill:var(--admitted)}.chosen{fill:var(--throttled);stroke:var(--card);stroke-width:2}
.spark{display:block;width:100%;min-width:120px;height:28px}
table{border-collapse:collapse;width:100%}
th{font-size:12px;font-weight:600;color:var(--soft);text-align:left;padding:0 14px 8px 0;border-bottom:1px solid var(--line);vertical-align:bottom}
td{padding:9px 14px 9px 0;border-bottom:1px solid var(--line);vertical-align:top}
tr:last-child td{border-bottom:0}
th:last-child,td:last-child{padding-right:0}
.number{text-align:right;white-space:nowrap;width:1%}
td small{display:block;color:var(--soft);font-size:12px;overflow-wrap:anywhere}
td b{font-weight:600;overflow-wrap:anywhere}
code{font:12.5px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-wrap:anywhere}
.meter{display:flex;align-items:center;gap:8px;min-width:130px;white-space:nowrap}
.meter>span{flex:1;display:flex;height:8px;border-radius:4px;background:var(--line);overflow:hidden;min-width:50px}
ul{margin:0;padding-left:20px}li{margin:4px 0}
.calm,.more{color:var(--soft);margin:10px 0 0}
footer{max-width:1120px;margin:0 auto;padding:0 24px 32px;color:var(--soft);font-size:12px}
@media(max-width:720px){
main{padding:24px 14px 14px}section{padding:16px 14px}h1{font-size:22px}.tiles{padding:0;grid-template-columns:1fr 1fr}.tile b{font-size:21px}
.x span:nth-child(even):nth-last-child(n+2){display:none}
.curve .x span{display:inline!important}
thead{display:none}tr{display:block;padding:10px 0;border-bottom:1px solid var(--line)}tr:last-child{border-bottom:0}
td{display:flex;justify-content:flex-end;gap:10px;border:0;padding:3px 0;text-align:right;align-items:baseline}
td::before{content:attr(data-label);color:var(--soft);font-size:12.5px;text-align:left;flex:none;margin-right:auto;padding-right:12px}
td:first-child{display:block;text-align:left}td:first-child::before{display:none}
td:first-child.number{display:flex;text-align:right}td:first-child.number::before{display:block}
.number{white-space:normal;width:auto}.meter{flex:1;justify-content:flex-end}.meter>span{max-width:120px}.spark{max-width:60%}
}
@media print{body{background:#fff;font-size:11px}main{padding:0;max-width:none}section,.tile{break-inside:avoid;border-color:#ccc}section:has(table){break-inside:auto}tr{break-inside:avoid}.hover{display:none}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
`
