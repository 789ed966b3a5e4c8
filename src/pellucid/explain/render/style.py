"""The style sheet of the pages: light and dark, wide and narrow, on paper too. No font or picture from elsewhere.

Before it: nothing. After it: `html`.
"""

LIGHT = "--blue: #1f5fbf; --orange: #b4540a; --mark: #ffd54a66; --quiet: #666"
DARK = "--blue: #82b1ff; --orange: #ffab66; --mark: #ffd54a44; --quiet: #aaa"

# How notebooks (Jupyter, VS Code, Colab) say which theme they show, whatever the system's is.
THEMES = {
    LIGHT: ('[data-jp-theme-light="true"]', ".vscode-light", 'html[theme="light"]'),
    DARK: ('[data-jp-theme-light="false"]', ".vscode-dark", 'html[theme="dark"]'),
}

# Behind what stands on a line: the page's colour, or the notebook's.
PAPER = "var(--node, var(--jp-layout-color0, var(--vscode-editor-background, Canvas)))"

# The picture of a network; PREFIX is what stands before its classes.
PICTURE = """
PREFIX { width: 100%; min-width: 300px; height: auto; font: 13px system-ui, sans-serif; display: block }
PREFIX text { fill: currentColor; text-anchor: middle; stroke: none }
PREFIX .layer { font-weight: 600 }
PREFIX .size, PREFIX .value { font-size: 11px; opacity: .75 }
PREFIX .letter { font: italic 15px serif }
PREFIX .index { font-size: 9px }
PREFIX circle, PREFIX rect { fill: PAPER; stroke: currentColor; stroke-width: 1.3 }
PREFIX .node:hover circle, PREFIX .node:hover rect { fill: var(--mark) }
PREFIX .arrow { fill: currentColor; opacity: .65 }
PREFIX .line { fill: none; stroke: currentColor; stroke-width: 1.5 }
PREFIX .edge { stroke: var(--blue); opacity: .4 }
PREFIX .edge.negative { stroke: var(--orange) }
PREFIX .edge.chosen, PREFIX .edge:hover { opacity: 1 }
PREFIX .weight { paint-order: stroke; stroke: PAPER; stroke-width: 4px }
""".replace("PAPER", PAPER)

# Colours are set on `.pellucid`; a notebook's cell keeps the notebook's own text colour and background.
STYLE = (
    PICTURE.replace("PREFIX", ".pellucid .network")
    + """
.pellucid { LIGHT; --line: #8886;
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: break-word; text-align: left }
.pellucid math { font-size: 1.06em; line-height: 1.3 }
.pellucid h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .5rem }
.pellucid h2 { font-size: 1.25rem; margin: 2.2rem 0 .6rem; padding-bottom: .2rem; border-bottom: 1px solid var(--line) }
.pellucid p { margin: .5rem 0; max-width: 46rem }
.pellucid nav { margin: 1rem 0; display: flex; flex-wrap: wrap; gap: .25rem 1.1rem; font-size: .92em }
.pellucid a { color: var(--blue) }
.pellucid .entry { margin: .7rem 0; padding: .1rem 0 .1rem .9rem; border-left: 3px solid var(--line) }
.pellucid .entry > summary { cursor: pointer; padding: .15rem 0 }
.pellucid .entry > summary::marker { color: var(--quiet) }
.pellucid .entry:target, .pellucid .entry:target > summary { background: var(--mark) }
.pellucid .head { font-size: 1.08em }
.pellucid .title { color: var(--quiet); margin: .1rem 0 .4rem }
.pellucid .label, .pellucid .note, .pellucid .check { color: var(--quiet); font-size: .88em }
.pellucid .label { margin: .6rem 0 0 }
.pellucid .remark { border-left: 3px solid var(--orange); padding-left: .6rem }
.pellucid .formula { display: grid; grid-template-columns: max-content minmax(0, 1fr); column-gap: .35em;
  align-items: baseline; margin: .35rem 0 }
.pellucid .formula .line { grid-column: 2; padding: .18rem 0 .18rem 1.1em; text-indent: -1.1em; overflow-x: auto;
  overflow-y: hidden }
.pellucid .formula .note { text-indent: 0; display: inline-block; padding-left: .8em }
.pellucid .scroll { overflow-x: auto; overflow-y: hidden; margin: .5rem 0; padding: .15rem 0 }
.pellucid table { border-collapse: collapse; font-variant-numeric: tabular-nums; background: none }
.pellucid th { text-align: left; font-weight: 600; font-size: .85em; color: var(--quiet) }
.pellucid th, .pellucid td { padding: .2rem 1rem .2rem 0; border-bottom: 1px solid var(--line); vertical-align: middle;
  white-space: nowrap; text-align: left }
.pellucid td.words { white-space: normal; min-width: 3.5rem }
.pellucid td.words:last-child { min-width: 10rem }
.pellucid td.number { text-align: right }
.pellucid tr.total td { border-top: 2px solid var(--line); font-weight: 600 }
.pellucid td.bar { min-width: 5.5rem; width: 7rem; padding: 0 .3rem }
.pellucid td.bar span { display: block; height: .55rem; border-radius: 2px; background: var(--blue) }
.pellucid td.bar span.negative { background: var(--orange) }
.pellucid [data-address]:hover { background: var(--mark) }
.pellucid .cases mtd { text-align: left; padding: .1em .35em }
.pellucid .array { border: .09em solid currentColor; border-width: 0 .09em; border-radius: .7em; padding: 0 .15em }
.pellucid .array mtd { text-align: right; padding: .22em .45em }
.pellucid figure { margin: 1rem 0; overflow-x: auto; overflow-y: hidden }
.pellucid figcaption { color: var(--quiet); font-size: .9em }
@media (prefers-color-scheme: dark) {
  .pellucid { DARK }
}
THEMES
@media (max-width: 36rem) {
  .pellucid .formula { grid-template-columns: minmax(0, 1fr) }
  .pellucid .formula .line { grid-column: 1 }
  .pellucid .entry { padding-left: .5rem }
  .pellucid th, .pellucid td { padding-right: .6rem }
  .pellucid td.bar { display: none }
}
@media print {
  .pellucid nav { display: none }
  .pellucid .entry, .pellucid tr, .pellucid figure { break-inside: avoid }
}
""".replace("LIGHT", LIGHT)
    .replace("DARK", DARK)
    .replace(
        "THEMES", "\n".join(f":is({', '.join(where)}) .pellucid {{ {colours} }}" for colours, where in THEMES.items())
    )
)

PAGE_STYLE = """
:root { color-scheme: light dark; --paper: #fff; --ink: #1b1b1f }
@media (prefers-color-scheme: dark) { :root { --paper: #16171b; --ink: #e6e6ea } }
body { margin: 0 auto; padding: 1.4rem clamp(.8rem, 4vw, 2.5rem) 4rem; max-width: 62rem; background: var(--paper);
  color: var(--ink) }
.pellucid { --node: var(--paper) }
@media print { :root { --paper: #fff; --ink: #000; color-scheme: light } body { padding: 0 } }
"""

# For a picture that stands in a file of its own.
PICTURE_STYLE = (
    PICTURE.replace("PREFIX", ".network")
    + """
.network { LIGHT; --node: #fff; color: #1b1b1f }
@media (prefers-color-scheme: dark) {
  .network { DARK; --node: #16171b; color: #e6e6ea }
}
""".replace("LIGHT", LIGHT).replace("DARK", DARK)
)
